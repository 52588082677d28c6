"""A minimal project. ``BGTASKS_BENCH_DATABASE_URL`` names its database."""

from __future__ import annotations

import os
from typing import Any

import django

from tests.databases import from_url

SECRET_KEY = "benchmarks"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django_bgtasks", "benchmarks"]
if django.VERSION < (6, 0):
    INSTALLED_APPS.append("django_tasks")
DATABASES = {"default": from_url(os.environ["BGTASKS_BENCH_DATABASE_URL"])}
TASKS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django_bgtasks.backend.DatabaseBackend", "OPTIONS": {}}
}
