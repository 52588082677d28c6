"""The ledger finds out each way in which a promise may be broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from .ledger import Account, Blow, Facts, Run, audit, pair

pytestmark = pytest.mark.once

PLAIN, ATOMIC = "plain-a-1", "atomic-a-2"


def in_order() -> Facts:
    """A plain and an atomic job, each asked for, run and finished once."""
    return Facts(
        asked={PLAIN, ATOMIC},
        committed={PLAIN, ATOMIC},
        jobs={PLAIN: ["1"], ATOMIC: ["2"]},
        standing={"1": ["finished"], "2": ["finished"]},
        outcomes={"1": "succeeded", "2": "succeeded"},
        effects=Counter({PLAIN: 1, ATOMIC: 1}),
        runs={key: [Run(key, 1, 77, 10.0, 10.1, "ended")] for key in (PLAIN, ATOMIC)},
    )


def problems(facts: Facts) -> dict[str, int]:
    account = audit(facts)
    kinds = ("lost", "doubled", "ghosts", "unexplained")
    return {kind: len(found) for kind in kinds if (found := getattr(account, kind))}


def test_order_is_no_problem() -> None:
    account = audit(in_order())
    assert account.problems == []
    assert (account.asked, account.jobs, account.runs, account.repeats) == (2, 2, 2, 0)
    assert account.outcomes == {"succeeded": 2}


def test_committed_enqueue_without_a_job_is_lost() -> None:
    facts = in_order()
    facts.committed.add("plain-a-3")
    facts.asked.add("plain-a-4")
    assert problems(facts) == {"lost": 2}


@pytest.mark.parametrize("tables", [[], ["running"], ["ready", "finished"]])
def test_job_that_is_not_finished_and_nothing_else_is_lost(tables: list[str]) -> None:
    facts = in_order()
    facts.standing["1"] = tables
    assert problems(facts) == {"lost": 1}


def test_job_that_ends_otherwise_than_it_should_is_lost() -> None:
    facts = in_order()
    facts.outcomes["1"] = "lost"
    assert problems(facts) == {"lost": 1}


def test_success_without_its_effect_is_lost() -> None:
    facts = in_order()
    del facts.effects[ATOMIC]
    assert problems(facts) == {"lost": 1}


def test_second_effect_of_an_atomic_job_is_doubled() -> None:
    facts = in_order()
    facts.effects[ATOMIC] = 2
    facts.effects[PLAIN] = 2
    assert problems(facts) == {"doubled": 1}


def test_effect_of_an_atomic_job_that_failed_is_doubled() -> None:
    facts = in_order()
    facts.jobs["doomed-a-5"] = ["5"]
    facts.asked.add("doomed-a-5")
    facts.standing["5"], facts.outcomes["5"] = ["finished"], "failed"
    assert problems(facts) == {}
    facts.effects["doomed-a-5"] = 1
    assert problems(facts) == {"doubled": 1}


def test_two_jobs_of_one_enqueue_are_doubled() -> None:
    facts = in_order()
    facts.jobs[PLAIN] = ["1", "3"]
    facts.standing["3"], facts.outcomes["3"] = ["finished"], "succeeded"
    assert problems(facts) == {"doubled": 1}


def test_chain_without_its_link_is_lost() -> None:
    facts = in_order()
    facts.asked.add("chain-a-6")
    for key, job in (("chain-a-6", "6"), ("link-chain-a-6", "7")):
        facts.jobs[key], facts.effects[key] = [job], 1
        facts.standing[job], facts.outcomes[job] = ["finished"], "succeeded"
    assert problems(facts) == {"lost": 1}


def test_what_was_rolled_back_must_not_be_there() -> None:
    facts = in_order()
    facts.rolled_back.add("plain-a-8")
    assert problems(facts) == {}
    facts.effects["plain-a-8"] = 1
    assert problems(facts) == {"ghosts": 1}


def test_job_that_nobody_asked_for_is_a_ghost() -> None:
    facts = in_order()
    facts.jobs["plain-a-9"], facts.effects["plain-a-9"] = ["9"], 1
    facts.standing["9"], facts.outcomes["9"] = ["finished"], "succeeded"
    assert problems(facts) == {"ghosts": 1}
    facts.unknown.add("plain-a-9")
    assert problems(facts) == {}


def repeated(first: Run, blow: Blow | None = None) -> Account:
    facts = in_order()
    facts.runs[PLAIN] = [first, Run(PLAIN, 2, 78, 20.0, 20.1, "ended")]
    facts.blows = [blow] if blow else []
    return audit(facts)


FIRST = Run(PLAIN, 1, 77, began=10.0, ended=10.5, how="ended")
HIT = Blow("kill", began=10.2, ended=10.2, pids=frozenset({77}))


def test_repeat_needs_a_fault_that_hit_that_very_attempt() -> None:
    assert len(repeated(FIRST).unexplained) == 1
    assert repeated(FIRST, HIT).unexplained == []
    assert repeated(FIRST, replace(HIT, pids=None)).unexplained == []


@pytest.mark.parametrize(
    "miss",
    [
        replace(HIT, pids=frozenset({78})),
        replace(HIT, began=9.0, ended=9.5),
        replace(HIT, began=15.0, ended=15.0),
    ],
)
def test_fault_elsewhere_or_at_another_time_explains_no_repeat(miss: Blow) -> None:
    assert len(repeated(FIRST, miss).unexplained) == 1


def test_planned_retry_needs_no_fault() -> None:
    assert repeated(replace(FIRST, how="meant")).unexplained == []


def test_attempt_that_never_ended_is_hit_by_whatever_came_later() -> None:
    endless = Run(PLAIN, 1, 77, began=10.0)
    assert repeated(endless, replace(HIT, began=15.0, ended=15.0)).unexplained == []


def test_time_until_a_torn_job_runs_again_is_told() -> None:
    torn = Run(PLAIN, 1, 77, began=10.0)
    assert repeated(torn, HIT).slowest == pytest.approx(20.0 - 10.2)
    assert repeated(FIRST, HIT).slowest == 0.0


def test_attempt_of_a_zombie_is_the_repeated_one_however_late() -> None:
    zombie = Run(PLAIN, 1, 77, began=30.0, ended=30.1, how="ended")
    facts = in_order()
    facts.runs[PLAIN] = [Run(PLAIN, 2, 78, 20.0, 20.1, "ended"), zombie]
    facts.blows = [Blow("zombie", 10.0, 29.9, frozenset({77}), lingers=1.0)]
    assert audit(facts).unexplained == []


def test_job_that_is_left_lying_is_disorder() -> None:
    facts = in_order()
    facts.runs[PLAIN] = [Run(PLAIN, 1, 77, 50.0, 50.1, "ended")]
    assert len(audit(facts).disorder) == 1
    facts.blows = [Blow("crash", 12.0, 35.0, frozenset())]
    assert audit(facts).disorder == []
    facts.blows = [Blow("crash", 12.0, 25.0, frozenset())]
    assert len(audit(facts).disorder) == 1
    facts.runs[ATOMIC] = [Run(ATOMIC, 1, 77, 10.0, 49.9, "ended")]
    assert audit(facts).disorder == []


def test_job_that_deletes_itself_is_not_counted() -> None:
    facts = in_order()
    facts.asked.add("deleter-a-7")
    facts.runs["deleter-a-7"] = [Run("deleter-a-7", 1, 77, 10.0, 10.1, "ended")]
    assert problems(facts) == {}


def test_lines_of_many_processes_are_paired() -> None:
    def line(what: str, at: float, pid: int, attempt: int) -> dict[str, object]:
        facts = {"what": what, "at": at, "pid": pid, "attempt": attempt}
        return {**facts, "key": PLAIN}

    lines = [
        line("began", 1.0, 77, 1),
        line("began", 2.0, 78, 2),
        line("ended", 3.0, 78, 2),
    ]
    assert pair(lines) == {
        PLAIN: [Run(PLAIN, 1, 77, 1.0), Run(PLAIN, 2, 78, 2.0, 3.0, "ended")]
    }


def test_harm_that_was_felt_is_counted() -> None:
    facts = in_order()
    facts.runs[PLAIN].insert(0, Run(PLAIN, 1, 76, 9.0))
    facts.runs[ATOMIC].insert(0, Run(ATOMIC, 1, 78, 9.0, 9.1, "raised OSError"))
    timed = Run("overtime-a-1", 1, 77, 10.0, 10.3, "raised TaskTimeout")
    facts.runs[timed.key] = [timed]
    facts.unknown.add("plain-a-9")
    facts.blows.append(Blow("kill", 9.0, 9.0, frozenset({76, 78})))
    account = audit(facts)
    assert (account.torn, account.excused, account.unknown) == (2, 2, 1)
    assert account.unexplained == []
