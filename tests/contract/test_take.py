"""Take: each row by one taker, in the order of the lanes."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction

from django_bgtasks.models import Job, Process, Queue, ReadyJob, RunningJob
from django_bgtasks.vendors import Lane
from tests.elsewhere import at_once

from .conftest import OWNER, START

SECOND = timedelta(seconds=1)


def test_rows_move_to_their_owner_and_keep_their_attempt(rows):
    (key,) = rows.ready(attempt=3)
    taken = rows.taken()
    assert rows.keys(ReadyJob) == set()
    claim = RunningJob.objects.get()
    assert (claim.pk.hex, claim.process_id, claim.attempt) == (key, OWNER, 3)
    assert claim.claimed_at == taken.now
    assert claim.cancel_requested is False


def test_answer_holds_the_order_and_the_body_of_each_row(rows):
    (key,) = rows.ready(queue="mail", rank=-7, attempt=2)
    Job.objects.update(args=[1, "two"], run_after=START)
    (row,) = rows.taken(Lane("mail")).rows
    assert row[:6] == (key, 2, "mail", -7, START, "a.b")
    assert row[6] == '[1,"two"]'
    assert rows.vendor.from_database(row[7]) == START


def test_time_of_the_take_is_the_databases(rows):
    rows.ready()
    before = rows.vendor.now()
    assert before <= rows.taken().now <= rows.vendor.now()


def test_clock_of_the_take_is_of_when_the_database_told_its_time(rows):
    rows.ready()
    order, before = rows.order(), time.monotonic()
    _, taken = rows.vendor.exchange(None, order)
    assert before <= taken.clock <= time.monotonic()


def test_nothing_ready_is_nothing_taken(rows):
    assert rows.taken().rows == []
    assert rows.take(Lane("q", 0, START)) == []


def test_row_without_a_body_is_taken_and_shows_none(rows):
    (key,) = rows.ready()
    Job.objects.all()._raw_delete("default")
    (row,) = rows.taken().rows
    assert row[0] == key
    assert row[5:] == (None, None, None)


def test_no_more_than_the_limit_is_taken_and_the_earliest_first(rows):
    keys = rows.ready(5)
    assert rows.take(limit=2) == keys[:2]
    assert rows.keys(ReadyJob) == set(keys[2:])
    assert rows.take(limit=2) == keys[2:4]
    assert rows.take(limit=2) == keys[4:]


def test_lower_ranks_come_first_whenever_they_were_ready(rows):
    normal = rows.ready(2, rank=0)
    urgent = rows.ready(2, rank=-100, start=START + timedelta(days=1))
    idle = rows.ready(2, rank=100, start=START - timedelta(days=1))
    assert rows.take(limit=3) == [*urgent, normal[0]]
    assert rows.take() == [normal[1], *idle]


def test_rows_of_one_moment_come_in_the_order_of_their_keys(rows):
    keys = [rows.ready()[0] for _ in range(5)]
    assert [rows.take(limit=1)[0] for _ in keys] == sorted(keys)


def test_other_queues_are_left_alone(rows):
    (mine,) = rows.ready(queue="mail")
    (other,) = rows.ready(queue="slow")
    assert rows.take(Lane("mail")) == [mine]
    assert rows.keys(ReadyJob) == {other}


def test_lanes_are_served_in_their_order(rows):
    first = rows.ready(2, queue="b")
    second = rows.ready(2, queue="a", start=START - SECOND)
    lanes = (Lane("b"), Lane("a"))
    assert set(rows.take(*lanes, limit=3)) == {*first, second[0]}
    assert rows.take(*lanes) == [second[1]]


def test_order_of_lanes_goes_before_rank(rows):
    (here,) = rows.ready(queue="b", rank=50)
    (there,) = rows.ready(queue="a", rank=-50)
    lanes = (Lane("b"), Lane("a"))
    assert rows.take(*lanes, limit=1) == [here]
    assert rows.take(*lanes, limit=1) == [there]


def test_lane_of_a_rank_holds_this_rank_only(rows):
    (urgent,) = rows.ready(rank=-5)
    (normal,) = rows.ready(rank=0)
    (idle,) = rows.ready(rank=5)
    assert rows.take(Lane("q", 0)) == [normal]
    assert rows.keys(ReadyJob) == {urgent, idle}
    assert set(rows.take(Lane("q", 5), Lane("q", -5))) == {urgent, idle}


def test_lanes_of_ranks_are_served_in_their_order(rows):
    urgent = rows.ready(2, rank=-5)
    normal = rows.ready(2, rank=0)
    lanes = (Lane("q", -5), Lane("q", 0))
    assert set(rows.take(*lanes, limit=3)) == {*urgent, normal[0]}
    assert rows.take(*lanes) == [normal[1]]


def test_rows_up_to_the_floor_are_not_looked_at(rows):
    before, at, after = rows.ready(3)
    assert rows.take(Lane("q", 0, START + SECOND)) == [after]
    assert rows.keys(ReadyJob) == {before, at}


def test_each_lane_has_its_own_floor(rows):
    a = rows.ready(2, queue="a")
    b = rows.ready(2, queue="b")
    taken = rows.take(Lane("a", 0, START), Lane("b", 0, START - SECOND))
    assert set(taken) == {a[1], *b}


def test_floor_is_kept_to_the_microsecond(rows):
    floor = START + timedelta(microseconds=1)
    (at,) = rows.ready(start=floor)
    (after,) = rows.ready(start=floor + timedelta(microseconds=1))
    assert rows.take(Lane("q", 0, floor)) == [after]
    assert rows.keys(ReadyJob) == {at}


def test_lane_may_go_on_to_a_later_rank(rows):
    (before,) = rows.ready(rank=-5)
    at, behind = rows.ready(2, rank=0)
    (between,) = rows.ready(rank=3)
    (last,) = rows.ready(rank=5)
    (after,) = rows.ready(rank=6)
    lane = Lane("q", 0, START, last=5)
    assert rows.take(lane, limit=2) == [behind, between]
    assert rows.take(lane) == [last]
    assert rows.keys(ReadyJob) == {before, at, after}


def test_lane_may_begin_at_the_lowest_rank(rows):
    (lowest,) = rows.ready(rank=-32_768)
    (last,) = rows.ready(rank=-1)
    (after,) = rows.ready(rank=0)
    assert rows.take(Lane("q", last=-1)) == [lowest, last]
    assert rows.keys(ReadyJob) == {after}


def test_lane_may_go_on_to_the_highest_rank(rows):
    (highest,) = rows.ready(rank=32_767)
    assert rows.take(Lane("q", 7, START, last=32_767)) == [highest]


def test_rows_behind_the_ceiling_are_not_looked_at(rows):
    _before, at, behind = rows.ready(3)
    lane = Lane("q", 0, START, ceiling=START + SECOND)
    assert rows.take(lane) == [at]
    assert behind in rows.keys(ReadyJob)
    assert rows.take(Lane("q", 0, ceiling=START)) == [_before]


def test_ceiling_is_of_the_last_rank(rows):
    early = rows.ready(2, rank=0)
    at, behind = rows.ready(2, rank=1)
    assert rows.take(Lane("q", 0, last=1, ceiling=START)) == [*early, at]
    assert rows.keys(ReadyJob) == {behind}


def test_of_each_lane_comes_its_share_at_most(rows):
    a, b = rows.ready(5, queue="a"), rows.ready(1, queue="b")
    c = rows.ready(5, queue="c")
    lanes = (Lane("a"), Lane("b"), Lane("c"))
    assert set(rows.take(*lanes, limit=4, share=2)) == {*a[:2], *b, c[0]}
    assert set(rows.take(*lanes, limit=40, share=2)) == {*a[2:4], *c[1:3]}


def test_queue_named_twice_is_emptied_once(rows):
    keys = rows.ready(2)
    assert rows.take(Lane("q"), Lane("q")) == keys


def test_paused_queue_is_left_alone_and_others_are_not(rows):
    Queue.objects.create(name="mail", paused_at=rows.vendor.now())
    Queue.objects.create(name="slow", paused_at=None)
    (mail,) = rows.ready(queue="mail")
    (slow,) = rows.ready(queue="slow")
    assert rows.take(Lane("mail"), Lane("slow")) == [slow]
    assert rows.take(Lane("mail", 0, START - SECOND)) == []
    assert rows.keys(ReadyJob) == {mail}
    Queue.objects.update(paused_at=None)
    assert rows.take(Lane("mail")) == [mail]


@pytest.mark.parametrize(
    "name",
    [
        "Mail",
        "mail ",
        " mail",
        "mäil",
        "ma\u0131l",
        "mail\n",
        "m%il",
        "m_il",
        "'mail'",
        "",
    ],
)
def test_queues_are_told_apart_to_the_letter(rows, name):
    (key,) = rows.ready(queue=name)
    assert rows.take(Lane("mail")) == []
    assert rows.take(Lane(name)) == [key]


def test_pausing_a_queue_pauses_none_that_only_looks_alike(rows):
    Queue.objects.create(name="MAIL", paused_at=rows.vendor.now())
    keys = rows.ready(2, queue="mail")
    assert rows.take(Lane("mail")) == keys


def test_many_queues_in_one_take(rows):
    keys = [rows.ready(queue=f"queue-{number}")[0] for number in range(40)]
    lanes = [Lane(f"queue-{number}") for number in range(50)]
    assert set(rows.take(*lanes)) == set(keys)


def test_more_rows_than_fit_a_statement(rows):
    keys = rows.ready(2_100)
    assert set(rows.take(limit=2_050)) == set(keys[:2_050])
    assert RunningJob.objects.count() == 2_050
    assert rows.keys(ReadyJob) == set(keys[2_050:])


def test_take_shares_the_fate_of_its_transaction(committed):
    (key,) = committed.ready()
    with transaction.atomic():
        assert committed.take() == [key]
        transaction.set_rollback(True)
    assert committed.keys(ReadyJob) == {key}
    assert committed.keys(RunningJob) == set()


@pytest.mark.parametrize("lanes", [[Lane("q")], [Lane("q", 0, START - SECOND)]])
def test_no_row_is_taken_twice_by_takers_at_once(committed, lanes):
    keys = committed.ready(600)

    def work(owner):
        def drain():
            committed.prepare()
            mine = []
            while found := committed.take(*lanes, limit=7, owner=owner):
                mine += found
            return mine

        return drain

    hauls = at_once([work(owner) for owner in range(1, 5)])
    taken = [key for haul in hauls for key in haul]
    assert sorted(taken) == sorted(keys)
    owned = dict(RunningJob.objects.values_list("pk", "process_id"))
    assert {key.hex: owner for key, owner in owned.items()} == {
        key: owner for owner, haul in enumerate(hauls, 1) for key in haul
    }


def test_rows_put_meanwhile_are_taken_once_each(committed):
    def put():
        return [key for _ in range(40) for key in committed.ready(5)]

    def drain(owner):
        def work():
            committed.prepare()
            mine = []
            while len(mine) < 100:
                mine += committed.take(limit=min(9, 100 - len(mine)), owner=owner)
            return mine

        return work

    put_, *hauls = at_once([put, drain(1), drain(2)])
    assert sorted(key for haul in hauls for key in haul) == sorted(put_)


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_taker_does_not_wait_for_another_whose_take_is_still_open(committed, other):
    keys = committed.ready(4)
    other.run(committed.prepare)
    other.begin()
    first = other.run(lambda: committed.take(limit=2, owner=1))
    assert first == keys[:2]
    assert committed.take(limit=10, owner=2) == keys[2:]
    other.rollback()
    assert committed.take(limit=10, owner=2) == keys[:2]


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_row_that_somebody_else_holds_is_not_waited_for(committed, other):
    one, two = committed.ready(2)
    other.begin()
    other.run(lambda: list(ReadyJob.objects.select_for_update().filter(pk=one)))
    assert committed.take() == [two]
    other.run(lambda: ReadyJob.objects.filter(pk=one).delete())
    other.commit()
    assert committed.take() == []


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_enqueue_does_not_wait_for_an_open_take(committed, other):
    committed.ready(3)
    other.run(committed.prepare)
    other.begin()
    other.run(lambda: committed.take(owner=1))
    # Into the same range of the index, before, between and behind what is taken.
    (before,) = committed.ready(start=START - SECOND)
    (between,) = committed.ready(start=START + SECOND / 2)
    (behind,) = committed.ready(start=START + 60 * SECOND)
    other.commit()
    assert committed.take() == [before, between, behind]


@pytest.mark.only_on("sqlite")
def test_takers_of_a_file_wait_for_one_another(committed, other):
    keys = committed.ready(4)
    other.begin()
    assert other.run(lambda: committed.take(limit=2, owner=1)) == keys[:2]
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 30000")
    waiting = at_once(
        [lambda: committed.take(limit=10, owner=2), lambda: other.commit() or []]
    )
    assert waiting[0] == keys[2:]


def test_owner_that_has_no_row_takes_nothing(rows):
    keys = rows.ready(2)
    order = rows.order(limit=1)
    assert len(rows.vendor.exchange(None, order)[1].rows) == 1
    Process.objects.filter(pk=OWNER).delete()
    _, taken = rows.vendor.exchange(None, order)
    assert taken.rows == []
    assert rows.keys(ReadyJob) == {keys[1]}


@pytest.mark.only_on("sqlite")
def test_clock_of_the_take_is_of_after_the_wait_for_another_writer(committed, other):
    """Or all that is timed by it would seem to happen as much later as it waited."""
    committed.ready()
    order = committed.order()
    other.begin()
    other.run(lambda: Queue.objects.create(name="busy"))

    def let_go() -> float:
        # So that the take is on its way by then; if it is not, it need not wait.
        time.sleep(0.2)
        before = time.monotonic()
        connection.commit()
        return before

    committing = other.start(let_go)
    _, taken = committed.vendor.exchange(None, order)
    assert len(taken.rows) == 1
    assert taken.clock >= committing.result(60)
    other.commit()
