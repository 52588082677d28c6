"""Clocks, transactions that are tried again, and connections set up for workers."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.elsewhere import at_once
from tests.testapp.models import Effect
from tests.waiting import eventually


def test_clock_is_aware_and_in_utc(rows):
    assert rows.vendor.now().utcoffset() == timedelta(0)


def test_clock_goes_on_while_a_transaction_stays_open(committed):
    with transaction.atomic():
        first = committed.vendor.now()
        assert eventually(lambda: committed.vendor.now() > first, "the clock to go on")


def test_rows_of_a_long_transaction_are_stamped_with_the_time_of_the_enqueue(committed):
    with transaction.atomic():
        list(Effect.objects.all())
        first = committed.vendor.now()
        eventually(lambda: committed.vendor.now() > first, "the clock to go on")
        assert committed.vendor.put([committed.bodies(["0" * 31 + "1"])]) > first


def test_clock_is_the_same_for_every_connection(committed, other):
    before = committed.vendor.now()
    between = other.run(committed.now)
    assert before <= between <= committed.vendor.now()


def test_work_is_done_once_and_answered(committed):
    calls = []
    assert committed.vendor.persist(lambda: calls.append(1) or "done") == "done"
    assert calls == [1]


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()])
def test_errors_of_the_work_are_not_tried_again(committed, error):
    calls = []

    def work():
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        committed.vendor.persist(work)
    assert calls == [1]


def test_what_the_database_refuses_for_good_is_not_tried_again(committed):
    Effect.objects.create(pk=1, key="first")
    calls = []

    def work():
        calls.append(1)
        Effect.objects.create(pk=1, key="second")

    with pytest.raises(IntegrityError):
        committed.vendor.persist(work)
    assert calls == [1]


def test_no_such_table_is_not_tried_again(committed):
    calls = []

    def work():
        calls.append(1)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM there_is_no_such_table")

    with pytest.raises(Exception, match="there_is_no_such_table"):
        committed.vendor.persist(work)
    assert calls == [1]


def crossing(committed, first, second, meet):
    """Update two rows, one by one, after both sides have updated their first."""
    tries = []

    def work():
        tries.append(1)
        with committed.vendor.atomic():
            Effect.objects.filter(pk=first).update(key=f"by {first}")
            if len(tries) == 1:
                meet.wait(30)
            Effect.objects.filter(pk=second).update(key=f"by {first}")

    def side():
        committed.vendor.persist(work)
        return len(tries)

    return side


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_deadlock_is_tried_again(committed):
    Effect.objects.bulk_create([Effect(pk=1, key=""), Effect(pk=2, key="")])
    meet = threading.Barrier(2)
    tries = at_once([crossing(committed, 1, 2, meet), crossing(committed, 2, 1, meet)])
    # One side was the victim, and did its work all the same.
    assert sorted(tries) == [1, 2]
    assert len(set(Effect.objects.values_list("key", flat=True))) == 1


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_deadlock_in_an_outer_transaction_is_told_to_who_began_it(committed):
    Effect.objects.bulk_create([Effect(pk=1, key=""), Effect(pk=2, key="")])
    meet = threading.Barrier(2)

    def within(side):
        def work():
            try:
                with transaction.atomic():
                    return side()
            except OperationalError:
                return "deadlock"

        return work

    outcomes = at_once(
        [
            within(crossing(committed, 1, 2, meet)),
            within(crossing(committed, 2, 1, meet)),
        ]
    )
    assert sorted(map(str, outcomes)) == ["1", "deadlock"]


@pytest.fixture
def snapshot_isolation(committed):
    """Have MariaDB refuse to change what others did since this session's snapshot.

    It does so by default from version 11.6 on, under REPEATABLE READ.
    """
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
        if cursor.fetchone() is None:
            pytest.skip("this MariaDB has no innodb_snapshot_isolation")
        cursor.execute("SET SESSION innodb_snapshot_isolation = ON")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    yield
    connection.close()


def overtaken(committed, other):
    """Read a row, have another session change it, and change it all the same."""
    Effect.objects.create(pk=1, key="before")
    tries = []

    def work():
        tries.append(1)
        with committed.vendor.atomic():
            seen = Effect.objects.get(pk=1).key
            if len(tries) == 1:
                other.run(lambda: Effect.objects.update(key="by another"))
            Effect.objects.filter(pk=1).update(key=f"{seen}, by the work")

    return work, tries


@pytest.mark.only_on("mariadb")
def test_record_that_has_changed_since_it_was_read_is_tried_again(
    committed, other, snapshot_isolation
):
    work, tries = overtaken(committed, other)
    committed.vendor.persist(work)
    assert len(tries) == 2
    assert Effect.objects.get().key == "by another, by the work"


@pytest.mark.only_on("mariadb")
def test_record_that_has_changed_in_an_outer_transaction_is_told_to_who_began_it(
    committed, other, snapshot_isolation
):
    work, tries = overtaken(committed, other)
    with pytest.raises(OperationalError, match="1020"), transaction.atomic():
        committed.vendor.persist(work)
    assert len(tries) == 1
    assert Effect.objects.get().key == "by another"


@pytest.mark.only_on("mariadb")
def test_worker_never_meets_a_record_that_has_changed(
    committed, other, snapshot_isolation
):
    committed.prepare()
    work, tries = overtaken(committed, other)
    committed.vendor.persist(work)
    assert len(tries) == 1


@pytest.mark.only_on("sqlite")
def test_locked_file_is_tried_again(committed, other):
    Effect.objects.create(pk=1, key="before")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    other.begin()
    other.run(lambda: Effect.objects.update(key="by another"))
    tries = []

    def work():
        tries.append(1)
        if len(tries) == 3:
            other.commit()
        Effect.objects.update(key="by the work")

    committed.vendor.persist(work)
    connection.close()
    assert len(tries) == 3
    assert Effect.objects.get().key == "by the work"


@pytest.mark.only_on("sqlite")
def test_locked_file_in_an_outer_transaction_is_told_to_who_began_it(committed):
    calls = []

    def work():
        calls.append(1)
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError), transaction.atomic():
        committed.vendor.persist(work)
    assert calls == [1]


def test_database_that_stays_away_is_told_of_in_the_end(committed, monkeypatch):
    monkeypatch.setattr("django_bgtasks.vendors.session.time.sleep", lambda _: None)
    monkeypatch.setattr(committed.vendor, "asks_again", lambda error: True)
    calls = []

    def work():
        calls.append(1)
        raise OperationalError("still")

    with pytest.raises(OperationalError, match="still"):
        committed.vendor.persist(work)
    assert 1 < len(calls) < 100


def test_worker_connection_does_all_that_a_worker_does(committed, other):
    other.run(committed.prepare)
    keys = committed.ready(2)
    assert other.run(lambda: committed.take(owner=7)) == keys
    assert other.run(lambda: committed.swap(committed.finish(keys))) == set(keys)
    # It may be prepared again, as after a reconnect.
    other.run(committed.prepare)


@pytest.mark.only_on("mariadb", "mysql")
def test_worker_reads_what_is_committed(committed, other):
    with connection.cursor() as cursor:
        variable = (
            "tx_isolation" if connection.mysql_is_mariadb else "transaction_isolation"
        )
        committed.prepare()
        cursor.execute(f"SELECT @@SESSION.{variable}")
        assert cursor.fetchone() == ("READ-COMMITTED",)


@pytest.mark.only_on("sqlite")
def test_worker_of_a_file_writes_ahead_and_begins_as_a_writer(committed, other):
    def settings():
        committed.prepare()
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            return cursor.fetchone()[0], connection.transaction_mode

    assert other.run(settings) == ("wal", "IMMEDIATE")
