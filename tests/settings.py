"""Settings of the test suite, for one vendor; see ``tests.databases``."""

from __future__ import annotations

import os
from typing import Any

import django

from . import databases

SECRET_KEY = "tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django_bgtasks",
    "tests.testapp",
]
if django.VERSION < (6, 0):
    INSTALLED_APPS.append("django_tasks")

MIDDLEWARE = [
    "tests.policy.strict_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STATIC_URL = "static/"

DATABASES = {"default": databases.configuration()}

TASKS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django_bgtasks.backend.DatabaseBackend",
        "QUEUES": ["default", "mail", "slow"],
        "OPTIONS": {},
    }
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
}
if "BGTASKS_TEST_DATABASE_URL" in os.environ:
    # In a worker, the log is what the test that started it reads.
    for name in ("django_bgtasks", "django.tasks", "django_tasks"):
        LOGGING.setdefault("loggers", {})[name] = {
            "handlers": ["stderr"],
            "level": "DEBUG",
            "propagate": False,
        }
