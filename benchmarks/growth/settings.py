"""The project of ``benchmarks.settings``; with queues of any name, on request.

``BGTASKS_BENCH_CLAIMS`` names a file to which its workers add a line for each claim:
the monotonic time of its end and the seconds it took.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created

from ..settings import *  # noqa: F403
from ..settings import TASKS

if os.environ.get("BGTASKS_BENCH_QUEUES") == "any":
    TASKS["default"]["QUEUES"] = []
_CLAIM = "SKIP LOCKED"


def _watch(connection: Any, **_: Any) -> None:
    if _timed not in connection.execute_wrappers:
        connection.execute_wrappers.append(_timed)


def _timed(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
) -> Any:
    if _CLAIM not in sql or not sql.startswith("WITH"):
        return execute(sql, params, many, context)
    before = time.monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        now = time.monotonic()
        os.write(_file, b"%.6f %.6f\n" % (now, now - before))


if _path := os.environ.get("BGTASKS_BENCH_CLAIMS"):
    _file = os.open(_path, os.O_WRONLY | os.O_APPEND)
    connection_created.connect(_watch)
