"""The project of ``benchmarks.settings``; with queues of any name, on request.

``BGTASKS_BENCH_CLAIMS`` names a file to which its workers add a line for each claim:
the monotonic time of its end and the seconds it took.
"""

from __future__ import annotations

import os
import time
from typing import Any

from django.db.backends.signals import connection_created

from ..settings import *  # noqa: F403
from ..settings import TASKS

if os.environ.get("BGTASKS_BENCH_QUEUES") == "any":
    TASKS["default"]["QUEUES"] = []


def _watch(connection: Any, **_: Any) -> None:
    # Not before Django is set up.
    from django_bgtasks.vendors import vendor_of

    kind: Any = type(vendor_of(connection))
    if not hasattr(kind.exchange, "timed"):
        kind.exchange = _timed(kind.exchange)


def _timed(exchange: Any) -> Any:
    """Around all statements it would be another way to the database."""

    def timed(vendor: Any, swap: Any, take: Any) -> Any:
        before = time.monotonic()
        try:
            return exchange(vendor, swap, take)
        finally:
            now = time.monotonic()
            if take is not None:
                os.write(_file, b"%.6f %.6f\n" % (now, now - before))

    timed.timed = True  # type: ignore[attr-defined]
    return timed


if _path := os.environ.get("BGTASKS_BENCH_CLAIMS"):
    _file = os.open(_path, os.O_WRONLY | os.O_APPEND)
    connection_created.connect(_watch)
