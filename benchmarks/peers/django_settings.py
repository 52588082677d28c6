"""A project for the queues that are Django apps; each has it alone."""

from __future__ import annotations

import os
from urllib.parse import parse_qs, unquote, urlsplit

from .base import database, redis_url

PEER = os.environ["BGTASKS_BENCH_PEER"]
# Of those that take no such option: how many processes and threads.
_PROCESSES = int(os.environ.get("BGTASKS_BENCH_PROCESSES", "2"))
_THREADS = int(os.environ.get("BGTASKS_BENCH_THREADS", "2"))
_PREFETCH = int(os.environ.get("BGTASKS_BENCH_PREFETCH", "100"))

_place = urlsplit(database())
SECRET_KEY = "benchmarks"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(_place.path.removeprefix("/")),
        "USER": unquote(_place.username or ""),
        "PASSWORD": unquote(_place.password or ""),
        "HOST": _place.hostname or parse_qs(_place.query).get("host", [""])[0],
        "PORT": str(_place.port or ""),
        # A connection that is made anew for each task costs more than the task.
        "CONN_MAX_AGE": 600,
    }
}
_BACKENDS = {
    "django_tasks_db": "django_tasks_db.DatabaseBackend",
    "django_ox": "django_ox.backend.OxBackend",
    "dj_queue": "dj_queue.backend.DjQueueBackend",
}
_OPTIONS = {
    "dj_queue": {
        "workers": [
            {
                "processes": _PROCESSES,
                "threads": _THREADS,
                "prefetch_multiplier": _PREFETCH,
            }
        ]
    }
}
INSTALLED_APPS = [PEER]
if PEER in _BACKENDS:
    TASKS = {
        "default": {
            "BACKEND": _BACKENDS[PEER],
            "QUEUES": [],
            "OPTIONS": _OPTIONS.get(PEER, {}),
        }
    }
Q_CLUSTER = {
    "name": "bgtasks-bench",
    "redis": redis_url(),
    "workers": _PROCESSES,
    "bulk": 50,
    "queue_limit": 200,
    "recycle": 100_000,
    "save_limit": 0,
    "timeout": 60,
    "retry": 120,
    "log_level": "ERROR",
}
