"""A worker that has given up sweeping finds what lies before the floors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from django_bgtasks.models import Queue, ReadyJob
from django_bgtasks.processes import patrol
from django_bgtasks.processes.claims import Claims
from django_bgtasks.processes.config import WorkerConfig

from . import tasks

pytestmark = pytest.mark.only_on("postgresql")


@pytest.fixture
def claims(worker, monkeypatch):
    """Those of a worker to which every look has seemed long."""
    config = WorkerConfig(queues=("default",))
    claims = Claims(config, worker.vendor, worker.owner, set())
    with monkeypatch.context() as slow:
        slow.setattr(patrol, "_BRIEF", -1.0)
        for clock in range(3):
            tasks.echo.enqueue(clock)
            claims.stir()
            assert len(claims.turn((), 10, float(clock)).claimed) == 1
    monkeypatch.setattr(patrol, "_BRIEF", 60.0)
    return claims


def take_all(claims, clock):
    """Claim by tens until nothing is due, and return the arguments in that order."""
    taken = []
    while claims.due_in(clock) < 5:
        clock += claims.due_in(clock)
        taken += [job.args for job in claims.turn((), 10, clock).claimed]
    return taken


def test_jobs_of_a_queue_that_was_paused_come_in_their_order(claims):
    Queue.objects.create(name="default", paused_at=timezone.now())
    for number in range(100):
        result = tasks.echo.enqueue(number)
        # Two a minute, for an hour.
        row = ReadyJob.objects.filter(pk=result.id)
        row.update(ready_at=F("ready_at") - timedelta(minutes=60 - number / 2))
    claims.stir()
    assert take_all(claims, 10.0) == []
    Queue.objects.update(paused_at=None)
    claims.stir()
    taken = [int(args.strip("[]")) for args in take_all(claims, 20.0)]
    assert sorted(taken) == list(range(100))
    # All but what showed that there is a backlog.
    rest = taken[20:]
    assert rest == sorted(rest)
