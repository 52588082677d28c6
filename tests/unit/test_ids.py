from __future__ import annotations

import threading
import time
from uuid import RFC_4122, UUID

import pytest

from django_bgtasks import ids
from django_bgtasks.ids import uuid7


@pytest.fixture(autouse=True)
def _leave_the_ids_of_others_alone(monkeypatch):
    # Ids made by a clock that a test has set ahead would hold up all later ones.
    monkeypatch.setattr(ids, "_last", 0)


def moment_of(job_id: UUID) -> float:
    """Unix seconds that the id was made at, to the millisecond."""
    return (job_id.int >> 80) / 1000


def test_id_is_a_uuid_of_version_7():
    for _ in range(1_000):
        made = uuid7()
        assert made.version == 7
        assert made.variant == RFC_4122


def test_id_tells_the_time_it_was_made():
    before = int(time.time() * 1000) / 1000
    made = uuid7()
    assert before <= moment_of(made) <= time.time() + 1


def test_ids_of_a_process_ascend_strictly():
    made = [uuid7() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    # As text and as bytes too: these are what databases order by.
    assert [str(each) for each in made] == sorted(str(each) for each in made)
    assert [each.bytes for each in made] == sorted(each.bytes for each in made)


def test_ids_ascend_when_the_clock_stands_still(monkeypatch):
    monkeypatch.setattr(ids.time, "time_ns", lambda: 1_800_000_000_123_456_789)
    made = [uuid7() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_ids_ascend_when_the_clock_is_set_back(monkeypatch):
    now = time.time_ns()
    ahead = now + 3_600_000_000_000
    monkeypatch.setattr(ids.time, "time_ns", lambda: ahead)
    first = uuid7()
    monkeypatch.setattr(ids.time, "time_ns", lambda: now)
    second = uuid7()
    assert second > first


def test_ids_of_many_threads_are_all_different():
    threads, each = 8, 5_000
    made: list[UUID] = []
    together = threading.Barrier(threads)

    def make() -> None:
        together.wait()
        mine = [uuid7() for _ in range(each)]
        assert mine == sorted(mine)
        made.extend(mine)

    running = [threading.Thread(target=make) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert len(set(made)) == threads * each


def test_two_processes_at_the_same_moment_differ_by_chance():
    # What another process makes at this very moment shares the time only.
    random_bits = {uuid7().int & (2**62 - 1) for _ in range(1_000)}
    assert len(random_bits) == 1_000


def test_many_ids_ascend_and_those_after_them_too():
    many = [*ids.new_ids(5_000), *ids.new_ids(1), uuid7().hex, *ids.new_ids(3)]
    assert many == sorted(set(many))
    assert {(UUID(each).version, len(each)) for each in many} == {(7, 32)}
    assert ids.new_ids(0) == []


def test_id_is_dashed_as_people_write_it():
    made = uuid7()
    assert ids.dashed(made.hex) == str(made)
