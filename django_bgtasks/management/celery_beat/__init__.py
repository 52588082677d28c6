"""From django-celery-beat's tables, or a ``beat_schedule``, to schedules of ours."""
