"""For the site's own pages: who may follow a job, and where."""

from __future__ import annotations

from .tokens import has_valid_token, job_events_url, job_status_url, job_token

__all__ = ["has_valid_token", "job_events_url", "job_status_url", "job_token"]
