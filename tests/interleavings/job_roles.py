"""Who acts upon a job: each does what the package does, by its own functions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from django_bgtasks.compat import TaskError, TaskResultDoesNotExist
from django_bgtasks.conf import Options, Retention
from django_bgtasks.lifecycle import dispose, operate, rearrange, run
from django_bgtasks.lifecycle.claim import claim_one
from django_bgtasks.lifecycle.execute import plan_for, prepare
from django_bgtasks.lifecycle.outcome import (
    FAILED,
    RELEASED,
    RETRY,
    SUCCEEDED,
    ClaimedJob,
    Outcome,
)
from django_bgtasks.lifecycle.result import get_result
from django_bgtasks.processes.recovery import recover
from django_bgtasks.results import Control
from django_bgtasks.upkeep.promote import promote
from django_bgtasks.upkeep.prune import prune
from django_bgtasks.upkeep.rescue import Death, rescue
from django_bgtasks.vendors import OUTAGES, Lane, Vendor, vendor_of

from .scene import Role

LANES = [Lane("default")]
RETENTION = Retention(timedelta(days=1), timedelta(days=1))


@dataclass
class Facts:
    """What is known when the curtain rises: the job, two workers, and what A holds."""

    job: UUID
    a: run.Owner
    b: run.Owner
    held: ClaimedJob | None = None


class Deeds(NamedTuple):
    """What an actor says that it has done to the job, how often.

    ``vague`` is one that cannot tell whether it has ended the job.
    """

    ended: int = 0
    revived: int = 0
    removed: int = 0
    cancelled: int = 0
    missed: int = 0
    vague: bool = False
    claimed: tuple[int, ...] = ()


def here() -> Vendor:
    return vendor_of(connection)


def _ended(outcomes: list[Outcome]) -> int:
    return sum(outcome.is_final for outcome in outcomes)


def ending(job: ClaimedJob, kind: str) -> Outcome:
    """An attempt that ended so, in no time."""
    moment = job.claimed_at.timestamp()
    outcome = Outcome(replace(job, past=[]), kind, began=moment, ended=moment)
    if kind == SUCCEEDED:
        outcome.return_value = "null"
    if kind in (RETRY, FAILED):
        outcome.error = TaskError(
            exception_class_path="builtins.ValueError", traceback="ValueError"
        )
    if kind == RETRY:
        outcome.run_after = job.claimed_at + timedelta(milliseconds=1)
    return outcome


def finishing(kind: str) -> Callable[[Facts], Deeds]:
    def finish(facts: Facts) -> Deeds:
        assert facts.held is not None
        turn = run.turn(here(), facts.a, [ending(facts.held, kind)])
        assert len(turn.written) + len(turn.late) == 1
        return Deeds(ended=_ended(turn.written))

    return finish


def finish_and_claim(facts: Facts) -> Deeds:
    """A worker's turn, and what it does when its connection is lost in it."""
    vendor, claimed, ended = here(), [], 0
    assert facts.held is not None
    outcomes = [ending(facts.held, SUCCEEDED)]
    for _ in range(3):
        try:
            turn = run.turn(vendor, facts.a, outcomes, LANES, 1)
            if turn.broken:
                raise OUTAGES[0]
        except OUTAGES:
            held = [*claimed]
            written, outcomes = recover(vendor, facts.a, held, outcomes)
            ended += _ended(written)
            continue
        ended += _ended(turn.written)
        claimed += turn.claimed
        outcomes = [ending(job, SUCCEEDED) for job in turn.claimed]
        if not outcomes:
            break
    return Deeds(ended=ended, claimed=tuple(job.attempt for job in claimed))


def work(facts: Facts) -> Deeds:
    """Another worker: claims what there is, and finishes it."""
    vendor = here()
    claimed = run.turn(vendor, facts.b, (), LANES, 1).claimed
    ended = 0
    for job in claimed:
        turn = run.turn(vendor, facts.b, [ending(job, SUCCEEDED)])
        ended += _ended(turn.written)
    return Deeds(ended=ended, claimed=tuple(job.attempt for job in claimed))


def claim_inline(facts: Facts) -> Deeds:
    job = claim_one(here(), facts.b.id)
    return Deeds(claimed=(job.attempt,) if job else ())


def run_atomic(facts: Facts) -> Deeds:
    """The thread of worker A that runs an atomic task."""
    job = facts.held
    assert job is not None
    plan = plan_for(job.task_path, job.backend)
    ready = prepare(replace(job), plan, facts.a.name, Control(), time.monotonic())
    assert not isinstance(ready, Outcome)
    outcome = run.run_sync(ready, here(), facts.a)
    if outcome.written:
        return Deeds(ended=1)
    return Deeds(ended=_ended(run.turn(here(), facts.a, [outcome]).written))


def take_away(facts: Facts) -> Deeds:
    """A supervisor that takes A for dead."""
    rescued = rescue(here(), Death(facts.a.id, facts.a.name), Options())
    return Deeds(ended=len(rescued.failed))


def take_unbegun_away(facts: Facts) -> Deeds:
    """A supervisor that knows that A had not begun its job."""
    death = Death(facts.a.id, facts.a.name, started=frozenset())
    return Deeds(ended=len(rescue(here(), death, Options()).failed))


def give_back(facts: Facts) -> Deeds:
    assert facts.held is not None
    operate.give_back(here(), facts.a.id, {facts.held.id: facts.held.attempt})
    # It may have ended it, if it was cancelled.
    return Deeds(vague=True)


def cancel(facts: Facts) -> Deeds:
    cancelled = operate.cancel_many(connection, [facts.job], RETENTION)
    done = len(cancelled.waiting)
    return Deeds(ended=done, cancelled=done + len(cancelled.running))


def cancel_in_transaction(facts: Facts) -> Deeds:
    """A view under ATOMIC_REQUESTS: what runs is marked after its commit.

    By then it may wait again, and so be ended; nobody is told.
    """
    with transaction.atomic():
        cancelled = operate.cancel_many(connection, [facts.job], RETENTION)
    done, later = len(cancelled.waiting), len(cancelled.running)
    return Deeds(ended=done, cancelled=done + later, vague=later > 0)


def retry(facts: Facts) -> Deeds:
    return Deeds(revived=len(operate.retry(connection, [facts.job])))


def promoting(facts: Facts) -> Deeds:
    promote(here())
    return Deeds()


def hasten(facts: Facts) -> Deeds:
    rearrange.run_now(connection, [facts.job])
    return Deeds()


def move(facts: Facts) -> Deeds:
    rearrange.move(connection, [facts.job], queue_name="mail", priority=7)
    return Deeds()


def delete(facts: Facts) -> Deeds:
    return Deeds(removed=len(dispose.delete(connection, [facts.job])))


def pruning(facts: Facts) -> Deeds:
    return Deeds(removed=prune(connection))


def pause(facts: Facts) -> Deeds:
    operate.pause(connection, "default")
    return Deeds()


def read(facts: Facts) -> Deeds:
    """A caller that holds a result. It is there as long as nobody removes it."""
    try:
        result = get_result("default", str(facts.job), ("tests.interleavings.tasks",))
    except TaskResultDoesNotExist:
        return Deeds(missed=1)
    assert len(result.worker_ids) >= len(result.errors)
    return Deeds()


FINISH = Role("finish", finishing(SUCCEEDED))
FAIL = Role("fail", finishing(FAILED))
RETRY_LATER = Role("fail, to be retried", finishing(RETRY))
RELEASE = Role("release", finishing(RELEASED))
TURN = Role("finish and claim", finish_and_claim, may_be_cut=True)
ATOMIC = Role("run atomic", run_atomic)
WORK = Role("work", work)
INLINE = Role("claim inline", claim_inline)
RESCUE = Role("rescue", take_away)
RESCUE_UNBEGUN = Role("rescue what was not begun", take_unbegun_away)
GIVE_BACK = Role("give back", give_back)
CANCEL = Role("cancel", cancel)
CANCEL_LATER = Role("cancel in a transaction", cancel_in_transaction)
REVIVE = Role("retry by hand", retry)
PROMOTE = Role("promote", promoting)
HASTEN = Role("run now", hasten)
MOVE = Role("move", move)
DELETE = Role("delete", delete)
PRUNE = Role("prune", pruning)
PAUSE = Role("pause", pause)
READ = Role("read", read)
