"""Streams of one event loop look together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.test import RequestFactory

from django_bgtasks.models import Job
from django_bgtasks.site import job_status_url, snapshot
from django_bgtasks.site.access import Found, find, look_at
from django_bgtasks.site.shared import shared_looks, until_all_look
from tests.inline import InlineWorker

from .tasks import answer


def found(result: Any, **grants: Any) -> Found:
    url = job_status_url(result, **grants)
    return find(RequestFactory().get(url), result.id)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of jobs in each read."""
    seen: list[int] = []
    read_many = snapshot.read_many

    def count(alias: str, job_ids: Any, **kwargs: Any) -> Any:
        seen.append(len(job_ids))
        return read_many(alias, job_ids, **kwargs)

    monkeypatch.setattr(snapshot, "read_many", count)
    return seen


def together(*jobs: Found) -> list[Any]:
    async def look() -> list[Any]:
        looks = shared_looks()
        return await asyncio.gather(
            *(looks.look(each) for each in jobs), return_exceptions=True
        )

    return async_to_sync(look)()


def test_streams_that_look_at_once_ask_once(
    transactional_db: None, reads: list[int]
) -> None:
    jobs = [
        found(result) for result in answer.enqueue_many([((n,), {}) for n in range(9)])
    ]
    reads.clear()
    told = together(*jobs, jobs[0])
    assert [each.id for each in told] == [each.job.id for each in (*jobs, jobs[0])]
    assert reads == [9]


def test_each_is_told_what_it_was_granted(
    transactional_db: None, reads: list[int]
) -> None:
    result = answer.enqueue("the value")
    plain, granted = found(result), found(result, return_value=True)
    InlineWorker().run_ready()
    reads.clear()
    first, second = together(plain, granted)
    assert (first.return_value, second.return_value) == (None, "the value")
    assert reads == [1, 1]


def test_stream_of_a_lost_job_is_told_so_and_no_other(transactional_db: None) -> None:
    lost, kept = found(answer.enqueue()), found(answer.enqueue())
    Job.objects.filter(pk=lost.job.id).delete()
    first, second = together(lost, kept)
    assert first is None
    assert second.id == kept.job.id


def test_outage_is_told_to_all_and_over_when_it_is(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = found(answer.enqueue())

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr(snapshot, "read_many", fail)
        answers = together(job, job)
    assert [type(each) for each in answers] == [OperationalError] * 2
    assert together(job)[0].id == job.job.id


def test_reader_that_leaves_takes_nobody_with_it(transactional_db: None) -> None:
    job = found(answer.enqueue())

    async def look() -> tuple[bool, Any]:
        looks = shared_looks()
        leaving = asyncio.ensure_future(looks.look(job))
        staying = asyncio.ensure_future(looks.look(job))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying, leaving.cancelled()

    told, left = async_to_sync(look)()
    assert (told.id, left) == (job.job.id, True)


def test_hundreds_are_read_in_portions(
    db: None,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Callable[..., Any],
) -> None:
    monkeypatch.setattr(snapshot, "_MOST", 4)
    jobs = [
        found(result) for result in answer.enqueue_many([((n,), {}) for n in range(9)])
    ]
    with django_assert_num_queries(3):
        told = look_at(jobs)
    assert [each and each.id for each in told] == [each.job.id for each in jobs]


def test_looks_of_one_pace_meet() -> None:
    async def meet() -> list[float]:
        now = asyncio.get_running_loop().time()
        return [now, until_all_look(0.25)]

    now, pause = async_to_sync(meet)()
    assert 0 < pause <= 0.25
    # What the clock does between the two lines is far less than this.
    off = (now + pause) % 0.25
    assert min(off, 0.25 - off) < 0.05
