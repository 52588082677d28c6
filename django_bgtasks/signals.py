"""Signals beyond the three of Django's framework.

All are sent with the backend class as sender, after the row was written.
"""

from django.dispatch import Signal

# An attempt failed and the job will run again.
# Arguments: task_result, exception, run_after (aware datetime).
job_retried = Signal()

# The process of a running job died; the job was made ready again, or, after too
# many lost attempts, failed. Arguments: job_ids (list of str), process (name).
jobs_rescued = Signal()
