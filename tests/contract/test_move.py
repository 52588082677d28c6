"""Move: what is due, earliest first, by one mover each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_bgtasks.models import DeferredJob, Queue, ReadyJob, table_of
from django_bgtasks.models import RunningJob as OtherTable
from tests.elsewhere import at_once

SECOND = timedelta(seconds=1)


def past(rows, count, step=SECOND):
    """Moments that have passed, the latest first."""
    now = rows.vendor.now()
    return [now - step * (number + 1) for number in range(count)]


def test_due_rows_move_and_keep_their_columns(rows):
    (key,) = rows.deferred(past(rows, 1), rank=-4)
    DeferredJob.objects.update(attempt=3, queue_name="mail")
    assert rows.move() == 1
    assert rows.keys(DeferredJob) == set()
    moved = ReadyJob.objects.get()
    assert (moved.pk.hex, moved.queue_name, moved.rank, moved.attempt) == (
        key,
        "mail",
        -4,
        3,
    )


def test_moved_rows_are_stamped_with_the_time_of_the_move(rows):
    rows.deferred(past(rows, 1, timedelta(days=1)))
    before = rows.vendor.now()
    rows.move()
    assert before <= ReadyJob.objects.get().ready_at <= rows.vendor.now()


def test_rows_that_are_not_due_stay(rows):
    later = rows.deferred([rows.vendor.now() + timedelta(hours=1)])
    due = rows.deferred(past(rows, 2))
    assert rows.move() == 2
    assert rows.keys(ReadyJob) == set(due)
    assert rows.keys(DeferredJob) == set(later)
    assert rows.move() == 0


def test_row_due_at_this_very_moment_moves(rows):
    rows.deferred([rows.vendor.now()])
    assert rows.move() == 1


def test_no_more_than_the_limit_moves_and_the_earliest_first(rows):
    latest, middle, earliest = rows.deferred(past(rows, 3))
    assert rows.move(limit=2) == 2
    assert rows.keys(ReadyJob) == {earliest, middle}
    assert rows.keys(DeferredJob) == {latest}


def test_nothing_due_is_nothing_moved(rows):
    assert rows.move() == 0


def test_more_rows_than_fit_a_statement(rows):
    keys = rows.deferred(past(rows, 1_200, timedelta(milliseconds=1)))
    assert rows.move(limit=1_100) == 1_100
    assert len(rows.keys(ReadyJob)) == 1_100
    assert rows.keys(ReadyJob) | rows.keys(DeferredJob) == set(keys)


def test_each_row_is_moved_by_one_of_many_movers(committed):
    keys = committed.deferred(past(committed, 300))

    def work():
        committed.prepare()
        moved = 0
        while some := committed.move(limit=7):
            moved += some
        return moved

    assert sum(at_once([work] * 4)) == len(keys)
    assert committed.keys(ReadyJob) == set(keys)
    assert committed.keys(DeferredJob) == set()


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_row_that_somebody_else_holds_is_not_waited_for(committed, other):
    one, two = committed.deferred(past(committed, 2))
    other.begin()
    other.run(lambda: list(DeferredJob.objects.select_for_update().filter(pk=one)))
    assert committed.move() == 1
    assert committed.keys(ReadyJob) == {two}
    other.rollback()
    assert committed.move() == 1


def test_queues_are_listed_once_each_in_order(rows):
    assert rows.vendor.queues(table_of(ReadyJob, rows.vendor)) == []
    for name in ("slow", "mail", "slow", "default", "mail", "a'b", "é"):
        rows.ready(queue=name)
    listed = rows.vendor.queues(table_of(ReadyJob, rows.vendor))
    assert sorted(listed) == sorted({"slow", "mail", "default", "a'b", "é"})
    assert len(listed) == 5


def test_queues_that_differ_by_a_letters_case_are_both_listed(rows):
    rows.ready(queue="mail")
    rows.ready(queue="Mail")
    listed = rows.vendor.queues(table_of(ReadyJob, rows.vendor))
    assert sorted(listed) == ["Mail", "mail"]


def test_queues_whose_names_differ_by_a_letters_case_are_paused_apart(rows):
    Queue.objects.create(name="mail")
    Queue.objects.create(name="Mail", paused_at=rows.vendor.now())
    assert Queue.objects.get(name="mail").paused_at is None


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_rows_that_somebody_else_holds_are_left_out_of_a_query(committed, other):
    one, two = committed.running(2)
    other.begin()
    other.run(lambda: list(OtherTable.objects.select_for_update().filter(pk=one)))
    with committed.vendor.atomic():
        found = committed.vendor.skip_taken(OtherTable.objects.order_by("pk"))
        assert [row.pk.hex for row in found] == [two]
    other.rollback()
