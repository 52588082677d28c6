"""What the verbs of ``manage.py bgtasks schedules`` do to rows and files."""
