"""Swap: a row goes, and what follows it comes, only while it is still the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import DataError, IntegrityError

from django_bgtasks.models import Attempt, FinishedJob, Job, ReadyJob, RunningJob
from django_bgtasks.vendors import Lane

from .conftest import OWNER


def test_matching_rows_go_and_what_follows_them_comes(rows):
    one, two = rows.running(2)
    assert rows.swap(rows.finish([one, two])) == {one, two}
    assert rows.keys(RunningJob) == set()
    assert rows.keys(FinishedJob) == {one, two}


def test_other_rows_stay(rows):
    one, two = rows.running(2)
    assert rows.swap(rows.finish([one])) == {one}
    assert rows.keys(RunningJob) == {two}
    assert rows.keys(FinishedJob) == {one}


def test_row_of_another_attempt_changes_nothing(rows):
    (key,) = rows.running(attempt=2)
    for attempt in (1, 3):
        order = rows.finish([key], attempt=attempt, deletes=[(rows.table(Job), [key])])
        assert rows.swap(order) == set()
    assert rows.keys(RunningJob) == rows.keys(Job) == {key}
    assert rows.keys(FinishedJob) == set()


def test_rows_of_several_attempts_go_by_their_own(rows):
    first, again = rows.running(1, attempt=1), rows.running(2, attempt=2)
    asked = [(first[0], 1), (again[0], 2), (again[1], 1)]
    order = replace(rows.finish([]), rows=asked, inserts=[])
    assert rows.swap(order) == {first[0], again[0]}
    assert rows.keys(RunningJob) == {again[1]}


def test_row_of_another_owner_changes_nothing(rows):
    (key,) = rows.running()
    order = rows.finish([key], owner=OWNER + 1, deletes=[(rows.table(Job), [key])])
    assert rows.swap(order) == set()
    assert rows.keys(RunningJob) == rows.keys(Job) == {key}
    assert rows.keys(FinishedJob) == set()


def test_row_that_is_not_there_changes_nothing(rows):
    (key,) = rows.running()
    rows.swap(rows.finish([key]))
    assert rows.swap(rows.finish([key])) == set()
    assert rows.keys(FinishedJob) == {key}


def test_only_what_belongs_to_a_matching_row_is_carried_out(rows):
    mine = rows.running(2)
    (moved_on,) = rows.running(attempt=2)
    asked = [*mine, moved_on]
    order = rows.finish(asked, deletes=[(rows.table(Job), asked)])
    assert rows.swap(order) == set(mine)
    assert rows.keys(FinishedJob) == set(mine)
    assert rows.keys(RunningJob) == rows.keys(Job) == {moved_on}


def test_each_insert_takes_part_for_its_own_rows(rows):
    finished, given_back, unkept = rows.running(3)
    now = rows.vendor.to_database(rows.vendor.now())
    back = rows.insert(
        ReadyJob,
        ("job_id", "queue_name", "rank", "attempt", "ready_at"),
        [(given_back, "q", -3, 1, now)],
    )
    order = rows.finish([finished])
    order = replace(
        order,
        rows=[(key, 1) for key in (finished, given_back, unkept)],
        inserts=[*order.inserts, back],
        deletes=[(rows.table(Job), [unkept])],
    )
    assert rows.swap(order) == {finished, given_back, unkept}
    assert rows.keys(FinishedJob) == {finished}
    assert rows.keys(ReadyJob) == {given_back}
    assert rows.keys(Job) == {finished, given_back}
    assert rows.keys(RunningJob) == set()


def test_rows_may_be_deleted_by_another_key(rows):
    one, two = rows.running(2)
    for key in (one, two):
        Attempt.objects.create(
            job_id=key, attempt=1, outcome="failed", finished_at=rows.vendor.now()
        )
    attempts = replace(rows.table(Attempt), key="job_id")
    rows.swap(rows.finish([one], deletes=[(attempts, [one])]))
    assert {key.hex for key in Attempt.objects.values_list("job_id", flat=True)} == {
        two
    }


def test_more_rows_than_fit_a_statement(rows):
    count = 2_100
    keys = rows.running(count)
    assert rows.swap(rows.finish(keys)) == set(keys)
    assert FinishedJob.objects.count() == count
    assert RunningJob.objects.count() == 0


def test_nothing_goes_if_what_follows_cannot_come(committed):
    one, two = committed.running(2)
    order = committed.finish([two])
    committed.swap(order)
    (again,) = committed.running()
    broken = replace(
        committed.finish([one]),
        rows=[(one, 1), (again, 1)],
        inserts=[*committed.finish([one]).inserts, *order.inserts],
    )
    # The second insert is of a key that is there already, and of no matching row;
    # with its row back it is carried out, and fails.
    committed.swap(broken)
    assert committed.keys(RunningJob) == set()
    (one,) = committed.running()
    RunningJob.objects.create(
        job_id=two, process_id=OWNER, attempt=1, claimed_at=committed.vendor.now()
    )
    with pytest.raises(IntegrityError):
        committed.swap(committed.finish([one, two]))
    assert {one, two} <= committed.keys(RunningJob)
    assert one not in committed.keys(FinishedJob)


def test_text_too_long_for_its_column_is_refused_not_cut(committed):
    (key,) = committed.running()
    order = committed.finish([key])
    (insert,) = order.inserts
    row = list(insert.rows[0])
    row[insert.columns.index("worker")] = "w" * 65
    order = replace(order, inserts=[replace(insert, rows=[tuple(row)])])
    if committed.vendor.connection.vendor == "sqlite":
        pytest.skip("SQLite keeps text of any length")
    with pytest.raises(DataError):
        committed.swap(order)
    assert committed.keys(RunningJob) == {key}


def test_swap_and_take_are_one(committed):
    running = committed.running(2)
    ready = committed.ready(3)
    gone, taken = committed.vendor.exchange(
        committed.finish(running), committed.order(limit=2)
    )
    assert gone == set(running)
    assert {row[0] for row in taken.rows} == set(ready[:2])
    assert committed.keys(FinishedJob) == set(running)
    assert committed.keys(RunningJob) == set(ready[:2])
    assert committed.keys(ReadyJob) == {ready[2]}


def test_take_without_anything_ready_leaves_the_swap_standing(rows):
    running = rows.running(2)
    gone, taken = rows.vendor.exchange(rows.finish(running), rows.order())
    assert gone == set(running)
    assert taken.rows == []


def test_swap_of_nothing_leaves_the_take_standing(rows):
    (ready,) = rows.ready()
    (late,) = rows.running(attempt=2)
    gone, taken = rows.vendor.exchange(rows.finish([late]), rows.order())
    assert gone == set()
    assert [row[0] for row in taken.rows] == [ready]


def test_nothing_is_taken_if_the_swap_fails(committed):
    ready = committed.ready(2)
    (key,) = committed.running()
    committed.swap(committed.finish([key]))
    RunningJob.objects.create(
        job_id=key, process_id=OWNER, attempt=1, claimed_at=committed.vendor.now()
    )
    with pytest.raises(IntegrityError):
        committed.vendor.exchange(committed.finish([key]), committed.order())
    assert committed.keys(ReadyJob) == set(ready)
    assert committed.keys(RunningJob) == {key}


def test_nothing_is_swapped_if_the_take_fails(committed):
    (key,) = committed.running()
    (ready,) = committed.ready()
    RunningJob.objects.create(
        job_id=ready, process_id=1, attempt=1, claimed_at=committed.vendor.now()
    )
    with pytest.raises(IntegrityError):
        committed.vendor.exchange(committed.finish([key]), committed.order(Lane("q")))
    assert committed.keys(ReadyJob) == {ready}
    assert committed.keys(RunningJob) == {key, ready}
    assert committed.keys(FinishedJob) == set()
