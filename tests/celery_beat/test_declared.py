"""Import of a ``beat_schedule``: with Celery's own objects, and without Celery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management.base import CommandError

from django_bgtasks.management.celery_beat.tables import _PeriodicTask
from django_bgtasks.models import Schedule

from . import tasks

pytestmark = pytest.mark.django_db

TIDY, REPORT = tasks.tidy.module_path, tasks.report.module_path
SETTING = "django.conf.settings.CELERY_BEAT_SCHEDULE"


def read(imported: Any, settings: Any, *options: Any, **entries: Any) -> Any:
    settings.CELERY_BEAT_SCHEDULE = {
        name: {"task": TIDY, **entry} for name, entry in entries.items()
    }
    return imported("--beat-schedule", SETTING, *options)


def test_plain_numbers_and_lengths(imported: Any, settings: Any) -> None:
    read(
        imported,
        settings,
        "--write",
        seconds={"schedule": 30.5, "task": REPORT, "args": (1, 2)},
        length={"schedule": timedelta(minutes=5), "options": {"queue": "slow"}},
        message={"schedule": 60, "kwargs": {"days": 1}, "options": {"expires": 90}},
    )
    length, message, seconds = Schedule.objects.order_by("name")
    assert (seconds.every, seconds.args) == (timedelta(seconds=30.5), [1, 2])
    assert (length.every, length.queue_name) == (timedelta(minutes=5), "slow")
    assert (message.kwargs, message.expires) == ({"days": 1}, timedelta(seconds=90))


def test_repeated_import_of_a_dict_changes_nothing(
    imported: Any, settings: Any
) -> None:
    for action in ("create", "unchanged"):
        found = read(imported, settings, "--write", often={"schedule": 30})
        assert found["often"]["action"] == action


def test_relative_interval_is_rounded_to_the_clock(
    imported: Any, settings: Any
) -> None:
    entry = {"schedule": timedelta(hours=2), "relative": True}
    read(imported, settings, "--write", "--timezone", "Asia/Kathmandu", round=entry)
    anchor = Schedule.objects.get().anchor_at
    assert anchor is not None
    # Kathmandu is 5:45 ahead.
    assert (anchor.astimezone(UTC).minute, anchor.second) == (15, 0)


def test_objects_of_celery(imported: Any, settings: Any) -> None:
    schedules = pytest.importorskip("celery.schedules")
    pytest.importorskip("ephem", reason="celery[solar] is not installed")
    settings.CELERY_TIMEZONE = "Europe/Vienna"
    read(
        imported,
        settings,
        "--write",
        a={
            "schedule": schedules.crontab(
                minute=[0, 30], hour="*/4", day_of_week={1, 5}
            )
        },
        b={"schedule": schedules.schedule(90)},
        c={"schedule": schedules.solar("dawn_civil", -37.81753, 144.96715)},
        d={"schedule": schedules.crontab.from_string("0 4 * * *")},
    )
    crontab, every, sun, text = Schedule.objects.order_by("name")
    assert (crontab.crontab, crontab.timezone) == ("0,30 */4 * * 1,5", "Europe/Vienna")
    assert every.every == timedelta(seconds=90)
    assert (sun.solar_event, float(sun.longitude or 0)) == ("dawn_civil", 144.96715)
    assert text.crontab == "0 4 * * *"


def test_celery_app_with_its_zone(imported: Any, settings: Any) -> None:
    celery = pytest.importorskip("celery")
    app = celery.Celery("proj", set_as_current=False)
    app.conf.timezone = "Asia/Tokyo"
    when = celery.schedules.crontab(minute=0, hour=4)
    app.conf.beat_schedule = {"nightly": {"task": TIDY, "schedule": when}}
    settings.CELERY_APP = app
    imported("--beat-schedule", "django.conf.settings.CELERY_APP", "--write")
    row = Schedule.objects.get()
    assert (row.crontab, row.timezone) == ("0 4 * * *", "Asia/Tokyo")
    imported(
        *("--beat-schedule", "django.conf.settings.CELERY_APP"),
        *("--timezone", "Europe/Paris", "--write", "--update"),
    )
    assert Schedule.objects.get().timezone == "Europe/Paris"


def test_message_that_expires_at_a_time(imported: Any, settings: Any) -> None:
    end = datetime(2031, 5, 6, tzinfo=UTC)
    entry = {"schedule": 60, "options": {"expires": end}}
    read(imported, settings, "--write", until=entry)
    assert Schedule.objects.get().end_at == end


def test_what_is_no_entry_is_left_out(imported: Any, settings: Any) -> None:
    settings.CELERY_BEAT_SCHEDULE = {
        "text": "every day",
        "kind": {"task": TIDY, "schedule": SimpleNamespace()},
        "without": {"task": TIDY},
    }
    found = imported("--beat-schedule", SETTING)
    assert {each["action"] for each in found.values()} == {"leave out"}
    assert "'every day' is no entry." in found["text"]["reasons"]
    assert "of no kind that is known here" in found["kind"]["reasons"][0]
    assert "Its schedule None" in found["without"]["reasons"][0]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere.schedule", "There is no module 'nowhere'."),
        ("tests.celery_beat.nowhere", "tests.celery_beat has no 'nowhere'."),
        ("django.conf.settings.CELERY_BEAT", "has no 'CELERY_BEAT'."),
        ("tests.celery_beat.tasks.tidy", "name a dict such as"),
        ("tests.unit.modules.breaks.x", "cannot be imported: no setting SHOP_KEY"),
    ],
)
def test_path_that_leads_nowhere(celery_beat: Any, path: str, message: str) -> None:
    with pytest.raises(CommandError) as raised:
        celery_beat("--beat-schedule", path)
    assert message in str(raised.value)


def test_without_tables_there_is_something_to_do(
    celery_beat: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests of this folder may have made the tables of that name.
    monkeypatch.setattr(_PeriodicTask._meta, "db_table", "no_periodictask")
    with pytest.raises(CommandError) as raised:
        celery_beat()
    assert str(raised.value) == (
        "Database 'default' has no table no_periodictask. Name the one that has by "
        "--database, or a dict by --beat-schedule."
    )


def test_unknown_database_and_zone(celery_beat: Any) -> None:
    with pytest.raises(
        CommandError, match=r"DATABASES has no 'defualt'\. Did you mean"
    ):
        celery_beat("--database", "defualt")
    with pytest.raises(CommandError, match="--timezone: There is no time zone 'Mars'"):
        celery_beat("--timezone", "Mars")
