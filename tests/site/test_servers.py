"""Real servers, real connections: the stream of events as a browser gets it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from itertools import islice
from typing import Any

import pytest

from django_bgtasks.site import job_events_url
from tests.inline import InlineWorker
from tests.processes import CommandProcess

from .event_source import Event, EventSource, Gone
from .tasks import answer

pytestmark = [
    pytest.mark.slow,
    # The servers are their own processes, which see what was committed.
    pytest.mark.django_db(transaction=True),
]

SERVING = "tests.site.serving"
SERVERS = {
    "wsgi": (
        *("gunicorn", "--threads", "4", "--graceful-timeout", "1"),
        *("--bind", "{place}", f"{SERVING}:wsgi()"),
    ),
    "asgi": (
        *("uvicorn", "--factory", "--lifespan", "off", "--host", "127.0.0.1"),
        *("--port", "{port}", "--timeout-graceful-shutdown", "1", f"{SERVING}:asgi"),
    ),
}
READY = r"Listening at|Uvicorn running"


class Server:
    def __init__(self, kind: str, environment: dict[str, str]) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.place = f"127.0.0.1:{port}"
        module, *arguments = (
            each.format(place=self.place, port=port) for each in SERVERS[kind]
        )
        self.process = CommandProcess(
            *arguments, environment=environment, module=module
        )
        self.process.wait_for_line(READY)

    def follow(self, result: Any) -> EventSource:
        return EventSource(self.place, job_events_url(result))

    def status_of(self, path: str) -> int:
        connection = HTTPConnection(self.place, timeout=60)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(params=list(SERVERS))
def server(
    request: pytest.FixtureRequest, worker_env: dict[str, str]
) -> Iterator[Server]:
    pytest.importorskip(
        SERVERS[request.param][0], reason="the extra 'test' has the servers"
    )
    environment = {**worker_env, "DJANGO_SETTINGS_MODULE": "tests.site.settings"}
    started = Server(request.param, environment)
    yield started
    started.process.kill()


def follow(source: EventSource, act: dict[str, Callable[[], Any]]) -> list[Event]:
    """Read to the end of the job, doing what each state calls for."""
    found = []
    for event in source:
        found.append(event)
        if event.kind == "finished":
            source.close()
            break
        act.pop(event.data["state"], lambda: None)()
    return found


def test_browser_gets_each_change_and_the_end(
    server: Server, worker: InlineWorker, tell_progress: Callable[..., None]
) -> None:
    result = answer.enqueue()
    claimed = []
    source = server.follow(result)
    found = follow(
        source,
        {
            "ready": lambda: claimed.append(worker.claim_one()),
            "running": lambda: worker.run(claimed[0]),
        },
    )
    assert [each.data["state"] for each in found] == ["ready", "running", "succeeded"]
    assert [each.kind for each in found] == ["status", "status", "finished"]
    assert "no-store" in source.headers["cache-control"]
    assert source.headers["x-accel-buffering"] == "no"
    with pytest.raises(Gone):
        next(iter(source))


def test_reader_that_leaves_ends_the_stream(
    server: Server, worker: InlineWorker
) -> None:
    result = answer.enqueue()
    source = server.follow(result)
    assert next(iter(source)).kind == "status"
    source.close()
    server.process.wait_for_line(rf"Stream of job {result.id} closed")
    # It is known by where it was left.
    assert source.last_id
    worker.run_ready()
    (event,) = islice(source, 1)
    assert event.kind == "finished"
    assert source.answers == 2
    source.close()


def test_many_read_at_once(server: Server, worker: InlineWorker) -> None:
    results = [answer.enqueue() for _ in range(3)]
    sources = [server.follow(result) for result in results]
    streams = [iter(source) for source in sources]
    assert [next(each).data["state"] for each in streams] == ["ready"] * 3
    worker.run_ready()
    for result, stream in zip(results, streams, strict=True):
        event = next(each for each in stream if each.kind == "finished")
        assert event.data["id"] == result.id
    for source in sources:
        source.close()


def test_server_refuses_a_token_of_another_job(server: Server) -> None:
    result, other = answer.enqueue(), answer.enqueue()
    path = job_events_url(result).replace(result.id, other.id)
    assert server.status_of(path) == 403
    assert "Traceback" not in server.process.output
