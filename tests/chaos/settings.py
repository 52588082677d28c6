"""Settings of the workers, beats and callers of a run, and of what audits it."""

from __future__ import annotations

import os

from tests.acceptance.settings import *  # noqa: F403
from tests.acceptance.settings import INSTALLED_APPS, LOGGING

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.apps.Chaos"]
# The end of each of a hundred thousand jobs is noted elsewhere.
for _name in ("django_bgtasks", "django.tasks", "django_tasks"):
    LOGGING["loggers"][_name]["level"] = "INFO"
for _name in ("django_bgtasks.job", "django.tasks", "django_tasks"):
    LOGGING["loggers"][_name] = {
        "handlers": ["stderr"],
        "level": os.environ.get("BGTASKS_CHAOS_LOG", "WARNING"),
        "propagate": False,
    }
for _name in ("django.tasks", "django_tasks"):
    LOGGING["loggers"][_name]["level"] = "CRITICAL"
