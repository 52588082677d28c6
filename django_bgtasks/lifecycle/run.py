"""Run: line the steps up."""

from __future__ import annotations

import logging
import time
from asyncio import CancelledError
from collections.abc import Sequence
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any, NamedTuple

from django.db import DatabaseError, transaction

from ..exceptions import LateFinish
from ..log import current_job, one_line
from ..vendors import OUTAGES, Insert, Lane, Take, Taken, Vendor
from ..vendors.refusals import hiding_rows, without_row
from . import announce, claim, execute, finish, report, retry, shield
from .outcome import RELEASED, RETRY, ClaimedJob, Execution, Outcome, Plan

logger = logging.getLogger("django_bgtasks.job")


class Turn(NamedTuple):
    """What one exchange with the database brought."""

    written: list[Outcome]
    late: list[Outcome]
    claimed: list[ClaimedJob]
    # Whether the database went away after the exchange: the claims are not known.
    broken: bool = False
    dropped: int = 0  # Claims of jobs that had no body.


class Owner(NamedTuple):
    """The process that claims and finishes: its row's id, and its name."""

    id: int
    name: str


def turn(
    vendor: Vendor,
    owner: Owner,
    outcomes: Sequence[Outcome] = (),
    lanes: Sequence[Lane] = (),
    limit: int = 0,
    figures: Insert | None = None,
    share: int | None = None,
) -> Turn:
    """Write outcomes and claim jobs, ``share`` of a lane, in one transaction.

    An outcome that the database refuses, unlike one that is late, becomes a
    failed one that says why; the others are written all the same. ``figures`` are
    written with them; refused, they are dropped: no job depends on them.
    """
    outcomes, wanted = _one_of_each(outcomes), lanes and limit
    take = claim.take(vendor, owner.id, lanes, limit, share) if wanted else None
    if not outcomes and take is None and figures is None:
        return Turn([], [], [])
    try:
        gone, taken = vendor.persist(
            lambda: _exchange(vendor, owner, outcomes, take, figures)
        )
    except OUTAGES:
        raise
    except DatabaseError as error:
        if figures is not None:
            text = "A write was refused; again, without its figures."
            logger.error(text, exc_info=without_row(error))
            return turn(vendor, owner, outcomes, lanes, limit, None, share)
        if not outcomes:
            raise
        written, late = _write_singly(vendor, owner, outcomes)
        again = turn(vendor, owner, (), lanes, limit, None, share)
        return again._replace(written=written, late=late)
    written, late = _sorted(outcomes, gone)
    try:
        claimed, empty = claim.jobs(vendor, taken) if taken else ([], [])
        if empty:
            _drop(vendor, owner, empty)
    except OUTAGES:
        if vendor.connection.in_atomic_block:
            raise
        return Turn(written, late, [], broken=True)
    return Turn(written, late, claimed, dropped=len(empty))


def _one_of_each(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Choose the first outcome of each job's latest attempt.

    A task may yield just when it was given up as stuck, or end after its job was
    lost and claimed again: two rows of one job must not be written.
    """
    chosen: dict[str, Outcome] = {}
    for outcome in outcomes:
        known = chosen.get(outcome.job.id)
        if known is None or known.job.attempt < outcome.job.attempt:
            chosen[outcome.job.id] = outcome
    return list(chosen.values())


def _exchange(
    vendor: Vendor,
    owner: Owner,
    outcomes: Sequence[Outcome],
    take: Take | None,
    figures: Insert | None = None,
) -> tuple[set[str], Taken | None]:
    """Write and claim. No job that was cancelled while it ran is run again."""
    again = any(outcome.kind in (RETRY, RELEASED) for outcome in outcomes)
    with vendor.atomic() if again or figures else nullcontext():
        if figures:
            vendor.put([figures])
        if again:
            finish.heed_cancellations(vendor, owner.id, outcomes)
        swap = finish.swap(vendor, owner.id, owner.name, outcomes) if outcomes else None
        return vendor.exchange(swap, take) if swap or take else (set(), None)


def _sorted(
    outcomes: Sequence[Outcome], gone: set[str]
) -> tuple[list[Outcome], list[Outcome]]:
    written = [outcome for outcome in outcomes if outcome.job.id in gone]
    if len(written) == len(outcomes):
        return written, []
    late = [outcome for outcome in outcomes if outcome.job.id not in gone]
    for outcome in late:
        if not outcome.written and outcome.kind != RELEASED:
            logger.warning(
                "Late finish of job %s (%s), attempt %s, refused: it was rescued, "
                "cancelled or deleted meanwhile.",
                outcome.job.public_id,
                one_line(outcome.job.task_path),
                outcome.job.attempt,
            )
    return written, late


def _write_singly(
    vendor: Vendor, owner: Owner, outcomes: Sequence[Outcome]
) -> tuple[list[Outcome], list[Outcome]]:
    written: list[Outcome] = []
    late: list[Outcome] = []
    for each in outcomes:
        outcome = each
        try:
            done = _write(vendor, owner, outcome)
        except OUTAGES:
            raise
        except DatabaseError as error:
            outcome = execute.unwritable(each, error, owner.name)
            text = "The outcome of job %s is refused."
            logger.error(text, each.job.public_id, exc_info=outcome.exception)
            done = _write(vendor, owner, outcome)
        (written if done else late).append(outcome)
    return written, late


def _write(vendor: Vendor, owner: Owner, outcome: Outcome) -> bool:
    gone, _ = vendor.persist(lambda: _exchange(vendor, owner, [outcome], None))
    return bool(gone)


def _drop(vendor: Vendor, owner: Owner, empty: list[str]) -> None:
    """Forget claims of jobs whose body somebody deleted."""
    logger.error("Jobs %s have no body any more and are dropped.", ", ".join(empty))
    finish.forget(vendor, owner.id, empty)


def run_sync(execution: Execution, vendor: Vendor | None, owner: Owner) -> Outcome:
    """Run an attempt in this thread, from ``task_started`` to its outcome.

    An atomic task needs the ``vendor`` of this thread's connection, to commit on
    it. KeyboardInterrupt propagates.
    """
    execution.context = copy_context()
    return execution.context.run(_run_sync, execution, vendor, owner)


def _run_sync(execution: Execution, vendor: Vendor | None, owner: Owner) -> Outcome:
    _enter(execution)
    try:
        if execution.plan.atomic:
            assert vendor is not None
            return _run_atomic(execution, vendor, owner)
        return execute.succeed(execution, execute.call(execution))
    except KeyboardInterrupt:
        raise
    except BaseException as exception:
        return failed(execution, exception)


def failed(execution: Execution, exception: BaseException) -> Outcome:
    """Conclude an attempt that raised: to be retried, or the end of the job."""
    return retry.judge(execution.plan, execute.fail(execution, exception))


def _enter(execution: Execution) -> None:
    current_job.set(execution.job)
    execute.announce_start(execution)
    execute.capture_log(execution)


def _run_atomic(execution: Execution, vendor: Vendor, owner: Owner) -> Outcome:
    """Commit the body and its finish together, or neither."""
    outcome: Outcome | None = None

    def note() -> None:
        assert outcome is not None
        outcome.written = True

    try:
        with vendor.atomic():
            # The first hook of the transaction: those of the body may raise.
            transaction.on_commit(note, using=vendor.connection.alias)
            outcome = execute.succeed(execution, execute.call(execution))
            _finish_with_body(execution, vendor, owner, outcome)
    except Exception:
        if outcome is None or not outcome.written:
            raise
        logger.exception(
            "Job %s (%s) is committed; a hook after its commit failed.",
            execution.job.public_id,
            execution.job.task_path,
        )
    else:
        outcome.written = True
    return outcome


def _finish_with_body(
    execution: Execution, vendor: Vendor, owner: Owner, outcome: Outcome
) -> None:
    swap = finish.swap(vendor, owner.id, owner.name, [outcome])
    with hiding_rows():
        gone, _ = vendor.exchange(swap, None)
    if not gone:
        raise LateFinish(
            f"Job {execution.job.public_id} was rescued or cancelled meanwhile; what "
            f"attempt {execution.job.attempt} wrote is rolled back."
        )


async def run_async(execution: Execution) -> Outcome:
    """Run an attempt of a coroutine on the running event loop.

    Cancelling it raises asyncio.CancelledError through here; who cancelled it
    knows what that means.
    """
    _enter(execution)
    try:
        return execute.succeed(execution, await execute.acall(execution))
    except (KeyboardInterrupt, GeneratorExit, CancelledError):
        raise
    except BaseException as exception:
        return failed(execution, exception)


def run_inline(vendor: Vendor, owner: Owner, job: ClaimedJob) -> Outcome:
    """Run a claimed job here and now: execute, finish, announce.

    A transaction that is open in this thread stays usable, whatever the task does
    to it. KeyboardInterrupt propagates, with the job given back.
    """
    outcome = _attempt_inline(vendor, owner, job)
    if not outcome.written:
        written = turn(vendor, owner, [outcome]).written
        if not written:
            return outcome
        outcome = written[0]
    announce.announce(outcome)
    return outcome


def _attempt_inline(vendor: Vendor, owner: Owner, job: ClaimedJob) -> Outcome:
    try:
        plan: Plan = execute.plan_for(job.task_path, job.backend)
        control = report.InlineControl(vendor, job.id, plan.max_payload)
        clock = time.monotonic()
        ready: Any = execute.prepare(job, plan, owner.name, control, clock)
        if isinstance(ready, Outcome):
            return ready
        with shield.shielded(atomic=plan.atomic):
            outcome = run_sync(ready, vendor, owner)
        control.flush()
        return outcome
    except KeyboardInterrupt:
        turn(vendor, owner, [Outcome(job, RELEASED)])
        raise
    except Exception as error:
        return execute.refuse(job, without_row(error), owner.name)
