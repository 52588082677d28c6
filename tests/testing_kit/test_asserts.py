from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from django_bgtasks.compat import TaskResultStatus
from django_bgtasks.testing import (
    assert_enqueued,
    assert_not_enqueued,
    capture_enqueued,
    enqueued,
    run_pending,
)

from . import tasks

pytestmark = pytest.mark.django_db


def test_enqueued_job_is_found_and_returned() -> None:
    result = tasks.note.enqueue("a")
    (found,) = assert_enqueued(tasks.note)
    assert (found.id, found.status) == (result.id, TaskResultStatus.READY)


def test_job_is_found_after_it_ran() -> None:
    tasks.note.enqueue("a")
    run_pending()
    (found,) = assert_enqueued(tasks.note, args=["a"])
    assert found.return_value == "a"


def test_conditions_choose_among_jobs() -> None:
    due = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    wanted = tasks.add.using(
        queue_name="slow", priority=7, run_after=due, metadata={"by": "me"}
    ).enqueue(1, right=2)
    tasks.add.enqueue(1, 2)
    for conditions in (
        {"args": (1,)},
        {"kwargs": {"right": 2}},
        {"queue_name": "slow"},
        {"priority": 7},
        {"run_after": due},
        {"metadata": {"by": "me"}},
        {"args": [1], "kwargs": {"right": 2}, "queue_name": "slow", "count": 1},
    ):
        (found,) = assert_enqueued(tasks.add, **conditions)  # type: ignore[arg-type]
        assert found.id == wanted.id
    (other,) = assert_enqueued(tasks.add, args=[1, 2], kwargs={})
    assert other.id != wanted.id


@pytest.mark.parametrize(
    "conditions",
    [
        {"args": []},
        {"args": ["b"]},
        {"kwargs": {"key": "a"}},
        {"queue_name": "mail"},
        {"priority": 1},
        {"metadata": {"a": 1}},
        {"count": 2},
        {"count": 0},
    ],
)
def test_other_conditions_fail(conditions: dict[str, Any]) -> None:
    tasks.note.using(metadata={"a": 2}).enqueue("a")
    with pytest.raises(AssertionError):
        assert_enqueued(tasks.note, **conditions)


def test_message_tells_what_was_enqueued_instead() -> None:
    tasks.note.enqueue("a")
    with pytest.raises(AssertionError) as raised:
        assert_enqueued(tasks.note, args=["b"])
    assert str(raised.value).splitlines() == [
        "tests.testing_kit.tasks.note was not enqueued with args=['b'].",
        "Jobs of the task (1):",
        "  args=['a'], queue_name='default', priority=0",
    ]
    with pytest.raises(AssertionError, match=r"Enqueued were: tests\S+\.note\."):
        assert_enqueued(tasks.mail)
    with pytest.raises(AssertionError, match="was enqueued once, not 3"):
        assert_enqueued(tasks.note, count=3)


def test_message_says_that_nothing_was() -> None:
    with pytest.raises(AssertionError, match=r"was not enqueued\.\nNothing was"):
        assert_enqueued(tasks.note)


def test_not_enqueued_is_the_opposite() -> None:
    assert_not_enqueued(tasks.note)
    tasks.note.enqueue("a")
    assert_not_enqueued(tasks.note, args=["b"])
    with pytest.raises(AssertionError, match="was enqueued once, not 0"):
        assert_not_enqueued(tasks.note)


def test_rolled_back_enqueue_is_none() -> None:
    with transaction.atomic():
        tasks.note.enqueue("a")
        transaction.set_rollback(True)
    assert_not_enqueued(tasks.note)


def test_copies_of_a_task_are_the_task() -> None:
    tasks.note.using(priority=3).enqueue("a")
    assert_enqueued(tasks.note.using(queue_name="mail"))


def test_what_is_no_task_is_refused() -> None:
    with pytest.raises(TypeError, match="A declared task is wanted here, not 'note'"):
        assert_enqueued("note")
    with pytest.raises(TypeError, match="A declared task is wanted here"):
        assert_not_enqueued(tasks.note.func)


def test_condition_that_is_no_json_is_refused() -> None:
    from django_bgtasks import InvalidArguments

    with pytest.raises(InvalidArguments, match=r"args\[0\]"):
        assert_enqueued(tasks.note, args=[object()])


def test_enqueued_lists_jobs_in_their_order(django_assert_num_queries: Any) -> None:
    results = [each.enqueue("a") for each in (tasks.note, tasks.mail, tasks.note)]
    tasks.blunder.enqueue("d")
    run_pending()
    with django_assert_num_queries(1):
        found = enqueued()
    assert [each.id for each in found[:3]] == [each.id for each in results]
    assert len(found[3].errors) == 1
    assert [each.args for each in enqueued(tasks.note)] == [["a"], ["a"]]


def test_capture_collects_only_what_is_enqueued_inside() -> None:
    tasks.note.enqueue("before")
    with capture_enqueued() as captured:
        tasks.note.enqueue("a")
        tasks.add.enqueue_many([((1,), {}), ((2,), {})])
    tasks.note.enqueue("after")
    assert [each.args for each in captured] == [["a"], [1], [2]]
    assert_enqueued(tasks.note, count=1, among=captured)
    assert_not_enqueued(tasks.mail, among=captured)


def test_capture_ends_with_an_exception() -> None:
    with pytest.raises(LookupError), capture_enqueued() as captured:
        raise LookupError
    tasks.note.enqueue("a")
    assert captured == []


def test_captures_nest() -> None:
    with capture_enqueued() as outer:
        tasks.note.enqueue("a")
        with capture_enqueued() as inner:
            tasks.note.enqueue("b")
    assert (len(outer), len(inner)) == (2, 1)
