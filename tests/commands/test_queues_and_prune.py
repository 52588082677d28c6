from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db.models import F
from django.utils import timezone

from django_bgtasks.ids import uuid7_floor
from django_bgtasks.models import Attempt, FinishedJob, Job, Queue
from django_bgtasks.testing import run_pending
from django_bgtasks.upkeep import prune

from . import tasks
from .conftest import Terminal

pytestmark = pytest.mark.django_db


def test_pause_and_resume(bgtasks: Any) -> None:
    assert bgtasks("pause", "mail") == "Queue 'mail' is paused.\n"
    tasks.stumble.enqueue()
    assert run_pending() == []
    assert bgtasks("resume", "mail") == "Queue 'mail' is resumed.\n"
    assert len(run_pending()) == 1
    assert bgtasks("resume", "mail") == "Queue 'mail' was not paused.\n"


def test_several_queues_at_once(bgtasks: Any) -> None:
    bgtasks("pause", "mail", "slow")
    assert Queue.objects.filter(paused_at__isnull=False).count() == 2


def test_unknown_queue_is_refused_before_any_is_paused(bgtasks: Any) -> None:
    with pytest.raises(CommandError) as raised:
        bgtasks("pause", "mail", "sloow")
    assert str(raised.value) == (
        "There is no queue 'sloow'. Did you mean 'slow'? "
        "TASKS['default']['QUEUES'] has: default, mail, slow."
    )
    assert not Queue.objects.exists()


def test_any_name_is_a_queue_where_settings_name_none(
    bgtasks: Any, settings: Any
) -> None:
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": []}}
    bgtasks("pause", "whatever")
    assert Queue.objects.get().name == "whatever"


def finish(number: int, *, age: timedelta, kept: timedelta) -> None:
    """Leave finished jobs, ``age`` old, that are kept for so long from now."""
    tasks.succeed.enqueue_many([((n,), {}) for n in range(number)])
    old = [result.id for result in run_pending()]
    now = timezone.now()
    FinishedJob.objects.filter(pk__in=old).update(
        finished_at=now - age, keep_until=now + kept
    )
    for job_id in old:
        # Ids tell the time of the enqueue.
        older = uuid7_floor(now - age - timedelta(seconds=1)).int
        new = type(Job().pk)(int=older | (type(Job().pk)(job_id).int & (1 << 64) - 1))
        Job.objects.filter(pk=job_id).update(id=new)
        FinishedJob.objects.filter(pk=job_id).update(job_id=new)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_prune_deletes_what_is_due(bgtasks: Any, answer: Any) -> None:
    asked = answer("n")
    finish(3, age=DAY, kept=-HOUR)
    finish(2, age=DAY, kept=HOUR)
    assert bgtasks("prune") == "Deleted 3 jobs.\n"
    assert (Job.objects.count(), FinishedJob.objects.count()) == (2, 2)
    assert asked == []


def test_prune_older_than_counts_from_the_finish(bgtasks: Any) -> None:
    finish(3, age=3 * DAY, kept=DAY)
    finish(2, age=DAY, kept=DAY)
    done = bgtasks("prune", "--older-than", "2d", "--no-input")
    assert done == "Deleted 3 jobs.\n"
    assert Job.objects.count() == FinishedJob.objects.count() == 2


def test_prune_leaves_an_old_job_that_finished_late(bgtasks: Any) -> None:
    finish(1, age=3 * DAY, kept=DAY)
    FinishedJob.objects.update(finished_at=timezone.now())
    bgtasks("prune", "--older-than", "2d", "--no-input")
    assert Job.objects.count() == 1


def test_prune_takes_attempts_with_it(bgtasks: Any) -> None:
    tasks.blunder.enqueue()
    run_pending()
    FinishedJob.objects.update(keep_until=F("finished_at") - HOUR)
    bgtasks("prune")
    assert not Attempt.objects.exists()


def test_prune_leaves_jobs_that_have_not_finished(bgtasks: Any) -> None:
    tasks.succeed.enqueue()
    done = bgtasks("prune", "--older-than", "0s", "--no-input")
    assert done == "Deleted 0 jobs.\n"
    assert Job.objects.count() == 1


def test_older_than_is_confirmed(bgtasks: Any, answer: Any) -> None:
    finish(2, age=3 * DAY, kept=DAY)
    asked = answer("")
    with pytest.raises(CommandError, match="Nothing was done"):
        bgtasks("prune", "--older-than", "36h")
    assert asked == ["Delete 2 jobs, older than 1 d 12 h? [y/N] "]
    assert Job.objects.count() == 2


@pytest.mark.parametrize("older", [(), ("--older-than", "1d")])
def test_dry_run_deletes_nothing(bgtasks: Any, older: Any) -> None:
    finish(3, age=2 * DAY, kept=-HOUR)
    assert bgtasks("prune", "--dry-run", *older) == "3 jobs would be deleted.\n"
    limited = bgtasks("prune", "--dry-run", "--limit", 2, *older)
    assert limited == "2 jobs would be deleted.\n"
    assert Job.objects.count() == 3


@pytest.mark.parametrize("older", [(), ("--older-than", "1d", "--no-input")])
def test_prune_goes_in_batches_up_to_the_limit(
    bgtasks: Any, monkeypatch: pytest.MonkeyPatch, older: Any
) -> None:
    finish(7, age=2 * DAY, kept=-HOUR)
    monkeypatch.setattr(prune, "BATCH", 2)
    terminal = Terminal()
    done = bgtasks("prune", "--limit", 5, *older, stderr=terminal)
    assert done == "Deleted 5 jobs.\n"
    for step in ("2 of 5", "4 of 5", "5 of 5"):
        assert step in terminal.getvalue()
    assert Job.objects.count() == FinishedJob.objects.count() == 2
    assert bgtasks("prune", *older) == "Deleted 2 jobs.\n"


@pytest.mark.parametrize("bad", ["yesterday", "-1d", "5 years"])
def test_length_that_is_none_is_refused(bgtasks: Any, bad: str) -> None:
    with pytest.raises(CommandError, match="--older-than"):
        bgtasks("prune", f"--older-than={bad}")
