"""Settings of the servers and workers that the tests of the site's pages start."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import TASKS

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.site.urls"
TASKS["default"]["OPTIONS"] = {"TASK_MODULES": ["tests.site.tasks"]}
