"""What a process asks of the system, so that it notices a server that is gone."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created

from django_bgtasks.vendors import keepalive
from tests.chaos.proxy import Proxy

from . import tasks
from .workers import Start, await_finished

pytestmark = [
    pytest.mark.only_on("postgresql", "mariadb", "mysql"),
    pytest.mark.skipif(
        not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such option"
    ),
]
# Seconds of silence, between questions, questions; milliseconds.
OURS = {"keepalive": 1, "idle": 10, "between": 5, "questions": 3, "timeout": 25_000}


@pytest.fixture
def entry(transactional_db: None, vendor: str) -> Iterator[dict[str, Any]]:
    """The test's database in DATABASES, by TCP."""
    found = connection.settings_dict
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")
    entry = {**{name: found[name] for name in names}, "OPTIONS": {}}
    socket_path = found["OPTIONS"].get("unix_socket", "")
    if found["HOST"].startswith("/"):
        socket_path = f"{found['HOST']}/.s.PGSQL.{found['PORT'] or 5432}"
    if not socket_path:
        yield {**entry, "PORT": str(found["PORT"] or standard_port(vendor))}
        return
    proxy = Proxy(socket_path, random.Random(1))
    yield {**entry, "HOST": proxy.address, "PORT": str(proxy.port)}
    connection.close()
    proxy.close()


def standard_port(vendor: str) -> int:
    return 5432 if vendor == "postgresql" else 3306


@pytest.fixture
def here(entry: dict[str, Any], monkeypatch: Any) -> Iterator[dict[str, Any]]:
    """The same, as that of this process, which forgets its wishes afterwards."""
    connection.close()
    monkeypatch.setattr(
        connections["default"], "settings_dict", {**connection.settings_dict, **entry}
    )
    yield connection.settings_dict
    connection_created.disconnect(dispatch_uid=keepalive.__name__)
    connection.close()


def of_a_worker(start: Start, entry: dict[str, Any]) -> list[dict[str, int]]:
    """What each connection has of a worker that runs a task."""
    worker = start("--threads", 1, wanted={"databases": {"default": entry}})
    (told,) = await_finished([tasks.tell_lines.enqueue(int(entry["PORT"]))])
    assert worker.stop() == 0
    return told.return_value  # type: ignore[no-any-return]


def test_every_connection_of_a_worker_notices_within_half_a_minute(
    start: Start, entry: dict[str, Any], vendor: str
) -> None:
    # The claimer's, the listener's, the task's.
    number = 3 if vendor == "postgresql" else 2
    assert of_a_worker(start, entry) == [OURS] * number


@pytest.mark.only_on("postgresql")
def test_what_the_project_says_counts(start: Start, entry: dict[str, Any]) -> None:
    entry["OPTIONS"] = {"keepalives_idle": 77, "tcp_user_timeout": 88_000}
    for found in of_a_worker(start, entry):
        assert found["idle"] == 77
        assert found["timeout"] == 88_000
        assert found["between"] != OURS["between"]


def test_connection_that_is_open_already_notices_as_well(here: dict[str, Any]) -> None:
    """Such as a supervisor's, whose checks have asked the database before."""
    connection.ensure_connection()
    assert tasks.tell_lines.func(int(here["PORT"]))[0] != OURS
    keepalive.notice_lost_servers()
    assert tasks.tell_lines.func(int(here["PORT"])) == [OURS]
    connection.close()
    assert tasks.tell_lines.func(int(here["PORT"])) == [OURS]
