"""What the server gives to its own pgbench and to plain psycopg, by our statements."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from ..databases import programs
from ..figures import Figure, calls
from ..subjects import OURS, Subject
from .base import Part, Plan

_SCRIPTS = Path(__file__).parents[1] / "pgbench"
_INSERTS = 2_000
_BATCH = 100
_BATCHES = 400
_CLIENTS = (1, 2)
_ROW = (
    "DROP TABLE IF EXISTS limit_row; "
    "CREATE TABLE limit_row (id bigserial PRIMARY KEY, task text, args text)"
)
_LONG_AGO = "1970-01-01T00:00Z"


def _limits(subject: Subject, plan: Plan) -> list[Figure]:
    if subject.name != OURS:
        return []
    with _plain_connection() as plain:
        plain.execute(_ROW)
        figures = calls("limit: insert by psycopg", _insert_each(plain))
        pgbench = _pgbench()
        if pgbench is None:
            return figures
        plain.execute((_SCRIPTS / "tables.sql").read_text())
        for script in ("insert", "enqueue"):
            rate = _run(pgbench, script, clients=1, turns=_INSERTS)
            figures.append(Figure(f"limit: {script} by pgbench", 1e6 / rate, "us"))
        for clients in _CLIENTS:
            plain.execute("TRUNCATE limit_job, limit_ready, limit_running")
            plain.execute("TRUNCATE limit_finished")
            plain.execute((_SCRIPTS / "fill.sql").read_text(), [_BATCH * _BATCHES])
            rate = _run(pgbench, "drain", clients=clients, turns=_BATCHES // clients)
            name = f"limit: drain by pgbench, {clients} clients"
            figures.append(Figure(name, rate * _BATCH, "/s"))
    return figures


def _insert_each(plain: Any) -> list[float]:
    statement = "INSERT INTO limit_row (task, args) VALUES (%s, %s)"
    seconds = []
    for _ in range(_INSERTS):
        before = time.perf_counter()
        plain.execute(statement, ["package.module.task", "[[1], {}]"])
        seconds.append(time.perf_counter() - before)
    return seconds


def _pgbench() -> str | None:
    beside = programs()
    found = shutil.which("pgbench", path=beside and str(beside))
    return found or shutil.which("pgbench")


def _run(pgbench: str, script: str, clients: int, turns: int) -> float:
    """Return the transactions per second, connecting not counted."""
    settings = connection.settings_dict
    done = subprocess.run(
        [
            *(pgbench, "--no-vacuum", "--protocol", "prepared"),
            *("--client", str(clients), "--jobs", str(clients)),
            *("--transactions", str(turns)),
            *("--define", "ids={}", "--define", f"floor={_LONG_AGO}"),
            *("--file", str(_SCRIPTS / f"{script}.sql")),
        ],
        env={
            **os.environ,
            "PGDATABASE": str(settings["NAME"]),
            "PGUSER": str(settings["USER"] or ""),
            "PGPASSWORD": str(settings["PASSWORD"] or ""),
            "PGHOST": str(settings["HOST"] or settings["OPTIONS"].get("host", "")),
            "PGPORT": str(settings["PORT"] or ""),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    told = re.search(r"tps = ([\d.]+) \(without initial", done.stdout)
    if done.returncode or told is None or "ERROR" in done.stderr:
        raise RuntimeError(f"pgbench failed: {done.stdout}{done.stderr}")
    return float(told[1])


@contextmanager
def _plain_connection() -> Iterator[Any]:
    import psycopg

    params = connection.get_connection_params()
    # These are Django's own ways with the driver.
    for name in ("context", "cursor_factory", "prepare_threshold"):
        params.pop(name, None)
    with psycopg.connect(**params, autocommit=True) as plain:
        yield plain


PARTS = (
    Part(
        "limits",
        "what a worker and a caller send, by pgbench with prepared statements: a job "
        f"enqueued; {_BATCH} finished and {_BATCH} claimed, with one and two clients; "
        "beside them a single row inserted and committed, by pgbench and psycopg",
        _limits,
        frozenset({"postgresql"}),
    ),
)
