"""The stream of a job's events, by Django's own test clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test import AsyncClient, Client

from django_bgtasks.models import Job
from django_bgtasks.site import job_events_url
from tests.inline import InlineWorker

from .event_source import Event
from .tasks import answer

Tell = Callable[..., None]
SetOptions = Callable[..., None]


def events_in(text: str) -> list[Event]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if ": " in line
        )
        if "data" in fields:
            found.append(Event(fields.get("id", ""), fields["event"], fields["data"]))
    return found


def whole(result: Any, **headers: str) -> list[Event]:
    response = Client().get(job_events_url(result), headers=headers)
    assert response.status_code == 200
    return events_in(response.getvalue().decode())


class Reader:
    """Takes a stream piece by piece, and lets things happen in between."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self._pieces: Iterator[bytes] = iter(response.streaming_content)

    def next(self) -> Event:
        while True:
            if found := events_in(next(self._pieces).decode()):
                return found[0]

    def is_at_its_end(self) -> bool:
        return next(self._pieces, None) is None


def read(result: Any) -> Reader:
    return Reader(Client().get(job_events_url(result)))


def test_stream_says_each_change_and_ends_with_the_job(
    worker: InlineWorker, tell_progress: Tell
) -> None:
    result = answer.enqueue()
    stream = read(result)
    first = stream.next()
    assert (first.kind, first.data["state"]) == ("status", "ready")
    job = worker.claim_one()
    assert stream.next().data["state"] == "running"
    tell_progress(result, 1, 4)
    assert stream.next().data["progress"]["percent"] == 25
    worker.run(job)
    last = stream.next()
    assert (last.kind, last.data["outcome"]) == ("finished", "succeeded")
    assert stream.is_at_its_end()


def test_stream_of_a_finished_job_is_one_event(worker: InlineWorker) -> None:
    result = answer.enqueue()
    worker.run_ready()
    (event,) = whole(result)
    assert (event.kind, event.data["finished"]) == ("finished", True)
    # A reader that comes again all the same is sent away.
    response = Client().get(job_events_url(result), headers={"Last-Event-ID": event.id})
    assert (response.status_code, response.content) == (204, b"")


def test_reader_that_comes_again_is_told_only_what_is_new(
    worker: InlineWorker, options: SetOptions
) -> None:
    options(STATUS_STREAM=0.01)
    result = answer.enqueue()
    (waiting,) = whole(result)
    assert whole(result, **{"Last-Event-ID": waiting.id}) == []
    worker.claim_one()
    (running,) = whole(result, **{"Last-Event-ID": waiting.id})
    assert running.data["state"] == "running"


def test_stream_of_a_job_that_vanishes_says_so(db: None) -> None:
    result = answer.enqueue()
    stream = read(result)
    stream.next()
    Job.objects.filter(pk=result.id).delete()
    assert stream.next().kind == "gone"
    assert stream.is_at_its_end()


def test_return_value_comes_with_the_end(worker: InlineWorker) -> None:
    result = answer.enqueue([1, 2])
    worker.run_ready()
    response = Client().get(job_events_url(result, return_value=True))
    (event,) = events_in(response.getvalue().decode())
    assert event.data["return_value"] == [1, 2]


def test_site_may_offer_no_stream(db: None, options: SetOptions) -> None:
    options(STATUS_STREAM=0)
    assert Client().get(job_events_url(answer.enqueue())).status_code == 204


def test_nothing_on_the_way_keeps_events_back(
    worker: InlineWorker, settings: Any
) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.gzip.GZipMiddleware",
        *settings.MIDDLEWARE,
    ]
    stream = Reader(
        Client().get(
            job_events_url(answer.enqueue()), headers={"Accept-Encoding": "gzip"}
        )
    )
    assert stream.response["X-Accel-Buffering"] == "no"
    assert stream.next().kind == "status"
    worker.claim_one()
    assert stream.next().data["state"] == "running"
    worker.run_all()


def test_look_at_the_job_takes_one_statement_and_no_transaction(
    transactional_db: None, django_assert_num_queries: Any
) -> None:
    result = answer.enqueue()
    stream = read(result)
    stream.next()
    looks: list[tuple[str, bool]] = []

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT"):
            looks.append((sql, connection.in_atomic_block))
            if len(looks) == 3:
                Job.objects.filter(pk=result.id).delete()
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        assert stream.next().kind == "gone"
    assert len(looks) >= 3
    # Always the same statement, and never in a transaction.
    assert set(looks) == {(looks[0][0], False)}


def test_outage_of_the_database_ends_the_stream_quietly(
    db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from django.db import OperationalError

    from django_bgtasks.site import snapshot

    result = answer.enqueue()
    stream = read(result)
    stream.next()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server is away")

    monkeypatch.setattr(snapshot, "read_many", fail)
    assert stream.is_at_its_end()
    assert f"Job {result.id} cannot be followed: the server is away" in caplog.text


def test_stream_in_a_coroutine_says_the_same(
    transactional_db: None, worker: InlineWorker, tell_progress: Tell
) -> None:
    result = answer.enqueue()
    kinds = []

    async def follow() -> None:
        from asgiref.sync import sync_to_async

        response = await AsyncClient().get(job_events_url(result))
        assert response.is_async
        async for piece in response:
            for event in events_in(piece.decode()):
                kinds.append((event.kind, event.data["state"]))
                if event.data["state"] == "ready":
                    await sync_to_async(worker.run_ready)()

    async_to_sync(follow)()
    assert kinds[0] == ("status", "ready")
    assert kinds[-1] == ("finished", "succeeded")
