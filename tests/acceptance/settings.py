"""Settings of the workers that the acceptance tests start.

They are those of the suite, with what a test wants otherwise: JSON in the
environment, see ``conftest.start``.
"""

from __future__ import annotations

import json
import os
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, LOGGING, TASKS

_wanted = json.loads(os.environ.get("BGTASKS_TEST_WANTED", "{}"))

DEBUG = _wanted.get("debug", False)
# A worker starts faster without what the site alone needs.
_SITE = ("admin", "messages", "sessions", "staticfiles")
_LEFT_OUT = {f"django.contrib.{name}" for name in _SITE}
INSTALLED_APPS = [name for name in INSTALLED_APPS if name not in _LEFT_OUT]
ROOT_URLCONF = __name__
urlpatterns: list[Any] = []
DATABASES.update(_wanted.get("databases", {}))
TASKS["default"]["OPTIONS"] = {
    "TASK_MODULES": ["tests.acceptance.tasks", "tests.acceptance.hostile"],
    **_wanted.get("options", {}),
}
if "queues" in _wanted:
    TASKS["default"]["QUEUES"] = _wanted["queues"]
TASKS.update(_wanted.get("backends", {}))

# What tasks themselves log carries the facts of their job.
LOGGING["filters"] = {"job": {"()": "django_bgtasks.log.JobFilter"}}
LOGGING["formatters"]["job"] = {
    "format": "%(levelname)s %(name)s %(message)s "
    "job_id=%(job_id)s task=%(task)s queue=%(queue)s attempt=%(attempt)s"
}
LOGGING["handlers"]["job"] = {
    "class": "logging.StreamHandler",
    "formatter": "job",
    "filters": ["job"],
}
LOGGING["loggers"]["tests"] = {"handlers": ["job"], "level": "INFO"}

if {"clock", "host_clock"} & _wanted.keys():
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.acceptance.clocks.Clocks"]
    TEST_CLOCK, TEST_HOST_CLOCK = _wanted.get("clock"), _wanted.get("host_clock")
