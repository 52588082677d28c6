"""The database goes away, or the whole worker stands still: nothing is lost."""

from __future__ import annotations

import signal
import time

import pytest
from django.db import OperationalError, connection

from django_bgtasks.compat import task_backends
from django_bgtasks.models import Process, RunningJob
from django_bgtasks.processes.config import WorkerConfig
from django_bgtasks.processes.supervisor import Supervisor
from django_bgtasks.upkeep.presence import Arrival, arrive
from django_bgtasks.vendors import vendor_of
from tests.waiting import eventually

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_empty,
    await_finished,
    effects,
    lost_attempts,
    outcomes,
)

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = {"HEARTBEAT": 0.5, "RESCUE_AFTER": 2}


def cut_off_all_others() -> int:
    """Have the server end every connection to this database but our own."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT id FROM information_schema.processlist "
            "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        others = [row[0] for row in cursor.fetchall()]
        for other in others:
            cursor.execute(f"KILL {other}")
        return len(others)


@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_connections_that_are_cut_lose_and_double_nothing(start: Start) -> None:
    count = 400
    atomic = [f"atomic {n}" for n in range(count)]
    tasks.work_atomic.enqueue_many(((key,), {}) for key in atomic)
    plain = [f"plain {n}" for n in range(count)]
    tasks.work.enqueue_many(((key,), {}) for key in plain)
    worker = start("--processes", 2, "--threads", 2)
    for done in (50, 250, 500):
        eventually(lambda done=done: sum(effects().values()) >= done, "work", PATIENCE)
        assert cut_off_all_others() > 0
    await_empty()
    assert outcomes() == {"succeeded": 2 * count}
    made = effects()
    assert {made[key] for key in atomic} == {1}
    assert min(made[key] for key in plain) == 1
    assert worker.is_running()
    assert worker.stop() == 0


# On SQLite the zombie's open transaction would hold the file's only lock.
@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_zombie_that_wakes_changes_nothing(start: Start, gate: Gate) -> None:
    begun = gate.path.with_name("begun")
    held = tasks.hold_atomic.enqueue("held", str(gate), str(begun))
    plain = tasks.hold.enqueue("plain", str(gate))
    zombie = start("--threads", 2, "--name", "zombie", options=QUICK)
    await_effects("plain:began")
    eventually(begun.exists, "the atomic body", PATIENCE)
    zombie.signal_all(signal.SIGSTOP)
    heir = start("--threads", 2, "--name", "heir", options=QUICK)
    eventually(
        lambda: (
            RunningJob.objects.filter(process__name__startswith="heir").count() == 2
            or None
        ),
        "both jobs to be with the other worker",
        PATIENCE,
    )
    gate.open()
    await_finished([held, plain])
    zombie.signal_all(signal.SIGCONT)
    eventually(
        lambda: (
            not Process.objects.filter(name__startswith="zombie", kind="worker")
            or "taken for dead" in zombie.output
        ),
        "the zombie to notice",
        PATIENCE,
    )
    zombie.wait_for_line("taken for dead|Late finish|rolled back|rescued")
    zombie.stop()
    heir.stop()
    for result in (held, plain):
        result.refresh()
        assert result.status == "SUCCESSFUL"
        assert result.attempts == 2
        assert result.worker_ids[1].startswith("heir")
    assert len(lost_attempts()) == 2
    assert effects()["held:done"] == 1


def test_worker_without_its_tables_says_so(start: Start, tmp_path: object) -> None:
    worker = start(
        wanted={
            "databases": {
                "default": {
                    "ENGINE": "django.db.backends.sqlite3",
                    "NAME": f"{tmp_path}/empty.sqlite3",
                    "OPTIONS": {"transaction_mode": "IMMEDIATE"},
                }
            }
        }
    )
    assert worker.wait() == 1
    worker.wait_for_line("django_bgtasks.E011")
    assert "migrate" in worker.output
    assert "Traceback" not in worker.output


@pytest.mark.only_on("postgresql", "mysql", "mariadb")
def test_worker_whose_database_does_not_answer_says_so(start: Start) -> None:
    settings = connection.settings_dict
    worker = start(
        wanted={
            "databases": {
                "default": {
                    "ENGINE": settings["ENGINE"],
                    "NAME": "nowhere",
                    "USER": "nobody",
                    "HOST": "127.0.0.1",
                    "PORT": "1",
                }
            }
        }
    )
    assert worker.wait() == 1
    worker.wait_for_line("django_bgtasks.E010")
    assert "Traceback" not in worker.output


def test_supervisor_that_stops_just_after_an_outage_leaves_no_row() -> None:
    """It waits for its next attempt then, and the database is there."""
    backend = task_backends["default"]
    supervisor = Supervisor(WorkerConfig())
    own = Arrival(kind="supervisor", name=supervisor.name, pid=1)
    supervisor.process_id = arrive(vendor_of(backend.connection), own)
    pause = supervisor.outage.note(OperationalError("away"))
    supervisor._next_try = time.monotonic() + 3600 * pause
    supervisor.ask_to_stop()
    assert supervisor.run() == 0
    assert not Process.objects.exists()
