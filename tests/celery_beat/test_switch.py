"""From Celery's tables to jobs: what is imported runs, and runs once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from django_bgtasks.models import Job, Schedule
from tests.processes import CommandProcess
from tests.testapp import tasks as testapp

RECORD = testapp.record.module_path


@pytest.mark.django_db(transaction=True)
def test_imported_one_off_runs_once_whoever_looks(
    beat: Any,
    periodic_task: Any,
    celery_beat: Any,
    run_manage: Callable[..., CommandProcess],
) -> None:
    at = beat.ClockedSchedule.objects.create(
        clocked_time=timezone.now() - timedelta(hours=1)
    )
    periodic_task(task=RECORD, args='["once"]', clocked=at, one_off=True)
    periodic_task("nightly too", task=RECORD, args='["night"]')
    celery_beat("--write")
    beats = [run_manage("runbeat", "--burst", "--name", f"b{n}") for n in range(2)]
    assert [each.wait() for each in beats] == [0, 0], [each.output for each in beats]
    celery_beat("--write", "--update")
    again = run_manage("runbeat", "--burst")
    assert again.wait() == 0, again.output
    job = Job.objects.get()
    row = Schedule.objects.get(name="nightly")
    assert (job.args, job.schedule_id, job.scheduled_for) == (
        ["once"],
        row.pk,
        row.clocked_at,
    )


@pytest.fixture(scope="module")
def legacy(
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Another database, with the tables that django-celery-beat 1.0 made."""
    connections.databases["legacy"] = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path_factory.mktemp("legacy") / "db.sqlite3"),
        "OPTIONS": {},
    }
    with django_db_blocker.unblock(), connections["legacy"].cursor() as cursor:
        for statement in OLD_TABLES:
            cursor.execute(statement)
    yield "legacy"
    connections["legacy"].close()
    del connections["legacy"]
    del connections.databases["legacy"]


OLD_TABLES = (
    """
    CREATE TABLE django_celery_beat_crontabschedule (
        id integer, minute varchar(64), hour varchar(64), day_of_week varchar(64),
        day_of_month varchar(64), month_of_year varchar(64)
    )
    """,
    """
    CREATE TABLE django_celery_beat_intervalschedule (
        id integer, every integer, period varchar(24)
    )
    """,
    """
    CREATE TABLE django_celery_beat_periodictask (
        id integer, name varchar(200), task varchar(200), args text, kwargs text,
        queue varchar(200), exchange varchar(200), routing_key varchar(200),
        expires datetime, enabled bool, last_run_at datetime, total_run_count integer,
        date_changed datetime, description text, crontab_id integer,
        interval_id integer
    )
    """,
    """
    INSERT INTO django_celery_beat_crontabschedule VALUES (7, '0', '4', '*', '*', '*')
    """,
    "INSERT INTO django_celery_beat_intervalschedule VALUES (8, 3, 'hours')",
    f"""
    INSERT INTO django_celery_beat_periodictask
    VALUES (1, 'old', '{RECORD}', '[1]', '{{}}', NULL, NULL, NULL, NULL, true,
            '2031-01-01 04:00:00', 3, '2031-01-01 04:00:00', '', 7, NULL),
           (2, 'three', '{RECORD}', '[1]', '{{}}', NULL, NULL, NULL, NULL, false, NULL,
            3, '2031-01-01 04:00:00', '', NULL, 8)
    """,
)


@pytest.mark.django_db(databases=["default", "legacy"])
def test_tables_of_an_old_release_in_another_database(
    legacy: str, celery_beat: Any, settings: Any
) -> None:
    settings.CELERY_TIMEZONE = "Europe/Vienna"
    assert "Written: 2 created." in celery_beat("--write", "--database", legacy)
    old, three = Schedule.objects.order_by("name")
    assert (old.crontab, old.timezone) == ("0 4 * * *", "Europe/Vienna")
    assert (old.args, old.enabled, old.priority) == ([1], True, None)
    assert (three.every, three.enabled) == (timedelta(hours=3), False)
    assert three.anchor_at == datetime(2031, 1, 1, 4, tzinfo=UTC)


@pytest.mark.django_db(databases=["default", "legacy"])
def test_of_a_name_in_the_tables_and_in_a_dict_the_tables_count(
    legacy: str, imported: Any, settings: Any
) -> None:
    settings.CELERY_BEAT_SCHEDULE = {
        "old": {"task": RECORD, "schedule": 30, "args": [2]},
        "new": {"task": RECORD, "schedule": 30, "args": [3]},
    }
    path = "django.conf.settings.CELERY_BEAT_SCHEDULE"
    found = imported("--database", legacy, "--beat-schedule", path)
    assert {name: each["when"] for name, each in found.items()} == {
        "old": "At 04:00 (UTC)",
        "three": "every 3 hours",
        "new": "every 30 seconds",
    }
