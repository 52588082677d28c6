"""The verbs of ``manage.py bgtasks``: each turns options into calls."""
