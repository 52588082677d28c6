"""Settings of the worker of a shop whose mail goes where BGTASKS_TEST_MAIL says."""

from __future__ import annotations

import os
from typing import Any

from tests.settings import *  # noqa: F403
from tests.settings import TASKS

TASKS["default"]["OPTIONS"] = {
    "TASK_MODULES": ["tests.browser.shop.mail"],
    "CAPTURE_LOGS": "INFO",
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
if folder := os.environ.get("BGTASKS_TEST_MAIL"):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = folder
else:
    # Nothing listens there: somebody has mistyped the port.
    EMAIL_HOST, EMAIL_PORT = "127.0.0.1", 1
