from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from tests.waiting import eventually

from .workers import Gate, Worker

_MARK = "BGTASKS_TEST_MARK"


def _marked(mark: str) -> list[psutil.Process]:
    """Return the live processes that were started with ``mark``, by whomever."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if (
                process.status() != psutil.STATUS_ZOMBIE
                and process.environ().get(_MARK) == mark
            ):
                found.append(process)
    return found


@pytest.fixture
def start(worker_env: dict[str, str]) -> Iterator[Callable[..., Worker]]:
    """Start workers: ``start("--threads", 1, options={...})``.

    ``options`` are those of the backend; ``wanted`` is what else
    ``tests.acceptance.settings`` reads; other keywords are environment variables.

    A worker that ended by itself must have left no process behind. One that still
    runs after the test is killed, with all that it started.
    """
    mark = uuid4().hex
    workers: list[Worker] = []

    def run(
        *flags: Any,
        command: str = "runworker",
        options: dict[str, Any] | None = None,
        wanted: dict[str, Any] | None = None,
        **environment: str,
    ) -> Worker:
        told = {"options": options or {}, **(wanted or {})}
        worker = Worker(
            *(command, *map(str, flags)),
            environment={
                **worker_env,
                "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
                "BGTASKS_TEST_WANTED": json.dumps(told),
                _MARK: mark,
                **environment,
            },
        )
        workers.append(worker)
        return worker

    yield run
    try:
        if not any(worker.is_running() for worker in workers):
            eventually(lambda: not _marked(mark), "the end of every process", 15)
    finally:
        for process in _marked(mark):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for worker in workers:
            worker.kill()
        eventually(lambda: not _marked(mark), "the end of every process", 15)
        for worker in workers:
            # For the report of a test that failed.
            sys.stdout.write(f"\n--- worker {worker.pid}\n{worker.last_words}\n")


@pytest.fixture
def make_gate(tmp_path: Path) -> Callable[[], Gate]:
    return lambda: Gate(tmp_path / f"gate-{uuid4().hex[:8]}")


@pytest.fixture
def gate(make_gate: Callable[[], Gate]) -> Gate:
    return make_gate()
