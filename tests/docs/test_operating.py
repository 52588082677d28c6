"""The statements of the pages on operating run, and find what the pages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest

from django_bgtasks.models import (
    DeferredJob,
    Failure,
    Plan,
    Process,
    Queue,
    ReadyJob,
    Rollup,
    Schedule,
    Tick,
)
from django_bgtasks.results import public
from django_bgtasks.vendors import vendor_of
from tests.elsewhere import Elsewhere, elsewhere
from tests.testapp.tasks import record

from .pages import PAGES, blocks

ALERTS, DATABASES = "howto/alerts.md", "howto/databases.md"
OF = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "sqlite": "SQLite"}


def statements(page: str, vendor: str) -> list[str]:
    return [text for caption, text in blocks(page, "sql") if caption == OF[vendor]]


def answers(statement: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def about(statement: str) -> str:
    """Name a statement of the alerts by the first table that it reads."""
    found = re.search(r"django_bgtasks_(\w+)", statement)
    assert found
    return found[1] + (" dead" if "silent" in statement else "")


@pytest.mark.once
def test_every_statement_says_for_which_database_it_is() -> None:
    for page in PAGES:
        for caption, text in blocks(page, "sql"):
            assert caption in OF.values(), (page, text)


# -- alerts -------------------------------------------------------------------------


def moment(**ago: float) -> Any:
    return public(vendor_of(connection).now() - timedelta(**ago))


def live(kind: str, number: int, **ago: float) -> None:
    for name in range(number):
        Process.objects.create(
            kind=kind,
            name=f"{kind}-{name}-{ago}",
            host="a",
            pid=1,
            started_at=moment(hours=1),
            heartbeat_at=moment(**ago),
        )


def make_schedule(**planned: Any) -> Schedule:
    row = Schedule.objects.create(
        name="nightly", task_path=record.module_path, crontab="* * * * *"
    )
    Plan.objects.create(schedule_id=row.pk, backend="default", **planned)
    return row


def tick(schedule: Schedule, outcome: str, late: float, **ago: float) -> None:
    seen = moment(**ago)
    due = seen - timedelta(seconds=late)
    Tick.objects.create(
        schedule_id=schedule.pk, due_at=due, ticked_at=seen, outcome=outcome
    )


@pytest.fixture
def health(db: None) -> None:
    """Two workers, a beat, and a bit of everything that is no reason for an alarm."""
    live("worker", 2, seconds=3)
    live("beat", 1, seconds=3)
    schedule = make_schedule(next_run_at=moment(seconds=-30), wake_at=moment())
    tick(schedule, "enqueued", 0.1, minutes=10)
    tick(schedule, "overlapped", 0.1, minutes=11)
    record.enqueue("new")
    record.using(run_after=timedelta(hours=1)).enqueue("later")
    paused = record.using(queue_name="mail").enqueue("old, and paused")
    ReadyJob.objects.filter(pk=paused.id).update(ready_at=moment(hours=1))
    Queue.objects.create(name="mail", paused_at=moment(hours=1))


def fail(times: int) -> None:
    for number in range(times):
        Failure.objects.create(
            job_id=record.enqueue(str(number)).id,
            task_path="shop.tasks.charge",
            exception_class_path="builtins.OSError",
            failed_at=moment(minutes=1),
        )
    Rollup.objects.create(
        span=0, start_at=moment(minutes=1), queue_name="default", failed=60
    )


@pytest.fixture
def trouble(health: None) -> None:
    """Each of the things that the page has an alert for."""
    fail(11)
    ReadyJob.objects.filter(queue_name="default").update(ready_at=moment(minutes=6))
    DeferredJob.objects.update(run_after=moment(minutes=2))
    Process.objects.update(heartbeat_at=moment(minutes=2))
    Plan.objects.update(wake_at=moment(minutes=2))
    tick(Schedule.objects.get(), "missed", 60, minutes=12)
    tick(Schedule.objects.get(), "enqueued", 60, minutes=14)


FOUND: dict[str, list[dict[str, Any]]] = {
    "readyjob": [{"queue_name": "default", "ready": 12}],
    "failure": [{"task_path": "shop.tasks.charge", "failed": 11}],
    "rollup": [{"queue_name": "default", "failed": 60, "retried": 0}],
    "process": [
        {"kind": "beat", "number": 1, "alive": 0},
        {"kind": "worker", "number": 2, "alive": 0},
    ],
    "process dead": [{"kind": "worker"}, {"kind": "worker"}, {"kind": "beat"}],
    "schedule": [{"name": "nightly", "error": ""}],
    "tick": [
        {"name": "nightly", "outcome": "enqueued"},
        {"name": "nightly", "outcome": "missed"},
    ],
    "deferredjob": [{"queue_name": "default", "overdue": 1}],
}


@pytest.mark.only_on("postgresql", "mariadb")
def test_alerts_are_silent_while_all_is_well(health: None, vendor: str) -> None:
    assert {about(each): answers(each) for each in statements(ALERTS, vendor)} == {
        about(each): [] for each in statements(ALERTS, vendor)
    }


@pytest.mark.only_on("postgresql", "mariadb")
def test_alerts_find_what_is_wrong(trouble: None, vendor: str) -> None:
    texts = statements(ALERTS, vendor)
    wanted = set(FOUND) if vendor == "postgresql" else {about(each) for each in texts}
    assert {about(each) for each in texts} == wanted
    for each in texts:
        rows, expected = answers(each), FOUND[about(each)]
        rows.sort(key=lambda row: str(row.get("kind", row.get("outcome", ""))))
        expected = sorted(
            expected, key=lambda row: str(row.get("kind", row.get("outcome", "")))
        )
        assert [
            {name: row[name] for name in wanted}
            for row, wanted in zip(rows, expected, strict=True)
        ] == expected


@pytest.mark.only_on("postgresql", "mariadb")
def test_schedule_that_no_beat_has_seen_is_found(db: None, vendor: str) -> None:
    make_schedule()
    Plan.objects.all().delete()
    (late,) = [each for each in statements(ALERTS, vendor) if about(each) == "schedule"]
    assert [row["name"] for row in answers(late)] == ["nightly"]
    Schedule.objects.update(enabled=False)
    assert answers(late) == []


@pytest.mark.django_db
def test_view_for_a_monitor_answers_by_its_status() -> None:
    ((_, code),) = blocks(ALERTS, "python")
    scope: dict[str, Any] = {}
    exec(code, scope)
    answer = scope["queue_health"](HttpRequest())
    assert answer.status_code == 503
    assert b"Worker processes alive: 0, fewer than 2." in answer.content
    live("worker", 2, seconds=3)
    assert scope["queue_health"](HttpRequest()).status_code == 200


# -- the database itself ------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql", "mariadb", "sqlite")
def test_every_statement_about_the_database_runs(vendor: str) -> None:
    for text in statements(DATABASES, vendor):
        with connection.cursor() as cursor:
            for statement in filter(str.strip, text.split(";")):
                cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.only_on("postgresql")
def test_tables_are_shown_with_their_autovacuum_settings() -> None:
    text = statements(DATABASES, "postgresql")[0]
    rows = {row["relname"]: row for row in answers(text)}
    for name in ("readyjob", "deferredjob", "runningjob"):
        options = rows[f"django_bgtasks_{name}"]["reloptions"]
        assert "autovacuum_vacuum_threshold=2000" in options
        assert "autovacuum_vacuum_scale_factor=0" in options


def hold(other: Elsewhere) -> int:
    def begin() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_backend_pid()")
            return int(cursor.fetchone()[0])

    other.begin()
    return other.run(begin)


@pytest.fixture
def other(transactional_db: None) -> Iterator[Elsewhere]:
    with elsewhere() as found:
        yield found


@pytest.mark.only_on("postgresql")
def test_session_that_holds_a_snapshot_is_named(other: Elsewhere) -> None:
    pid = hold(other)
    text = statements(DATABASES, "postgresql")[1]
    assert pid in [row["pid"] for row in answers(text)]
    other.rollback()


@pytest.mark.only_on("mariadb")
def test_length_of_the_history_is_told(db: None) -> None:
    (row,) = answers(statements(DATABASES, "mariadb")[0])
    assert row["name"] == "trx_rseg_history_len"
    assert row["length"] >= 0
