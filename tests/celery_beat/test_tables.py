"""Import from the real tables, filled by the ORM of django-celery-beat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.utils import timezone

from django_bgtasks.models import Schedule
from django_bgtasks.periodic.decide import upcoming
from django_bgtasks.periodic.timings import timing_of
from django_bgtasks.results import public

from .conftest import crontab

pytestmark = pytest.mark.django_db

TIDY = "tests.celery_beat.tasks.tidy"
REPORT = "tests.celery_beat.tasks.report"
LATER = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def next_runs(row: Schedule, count: int) -> list[datetime]:
    return upcoming(timing_of(row), timezone.now(), count)


def test_all_four_kinds(beat: Any, periodic_task: Any, celery_beat: Any) -> None:
    periodic_task("cron", crontab=crontab(beat, "30 7 * * mon-fri", "Asia/Tokyo"))
    every = beat.IntervalSchedule.objects.create(every=90, period="seconds")
    ran = timezone.now().replace(microsecond=0) - MINUTE
    periodic_task("interval", interval=every, last_run_at=ran)
    sun = beat.SolarSchedule.objects.create(
        event="sunset", latitude="-33.865143", longitude="151.209900"
    )
    periodic_task("solar", solar=sun)
    at = beat.ClockedSchedule.objects.create(clocked_time=LATER)
    periodic_task("clocked", clocked=at, one_off=True)
    assert "Written: 4 created." in celery_beat("--write")
    clocked, cron, interval, solar = Schedule.objects.order_by("name")
    assert (cron.kind, cron.crontab, cron.timezone) == (
        "crontab",
        "30 7 * * mon-fri",
        "Asia/Tokyo",
    )
    assert (interval.kind, interval.every) == ("interval", 90 * timedelta(seconds=1))
    # When Celery would have run it next.
    assert next_runs(interval, 1) == [ran + timedelta(seconds=90)]
    assert (solar.kind, solar.solar_event) == ("solar", "sunset")
    assert (solar.latitude, solar.longitude) == (
        Decimal("-33.865143"),
        Decimal("151.2099"),
    )
    assert (clocked.kind, clocked.clocked_at) == ("clocked", LATER)
    for row in Schedule.objects.all():
        assert (row.task_path, row.enabled, row.origin) == (TIDY, True, "admin")
        assert (row.missed, row.overlap) == ("run_once", "allow")


def test_next_run_is_the_one_that_celery_would_take(
    beat: Any, periodic_task: Any, celery_beat: Any
) -> None:
    from django_celery_beat.schedulers import ModelEntry

    for n, fields in enumerate(
        ("17 */7 * * *", "0 5-20/3 * * *", "30 12 * * fri-mon", "1 1 1-7 2-11/3 3")
    ):
        when = crontab(beat, fields, ("UTC", "Asia/Tokyo")[n % 2])
        periodic_task(f"crontab {n}", crontab=when, last_run_at=timezone.now())
    every = beat.IntervalSchedule.objects.create(every=90, period="minutes")
    ran = timezone.now() - timedelta(minutes=37)
    periodic_task("interval", interval=every, last_run_at=ran)
    celery_beat("--write")
    for row in Schedule.objects.all():
        entry = ModelEntry(beat.PeriodicTask.objects.get(name=row.name))
        before = timezone.now()
        is_due, seconds = entry.is_due()
        after = timezone.now()
        assert not is_due
        (due,) = next_runs(row, 1)
        # Celery rounds, and says how long from its own now.
        slack = timedelta(seconds=1)
        left = timedelta(seconds=seconds)
        assert before + left - slack <= due <= after + left + slack, row.name


@pytest.mark.parametrize(
    ("every", "period", "length"),
    [
        (2, "days", 2 * DAY),
        (3, "hours", 3 * HOUR),
        (5, "minutes", 5 * MINUTE),
        (1_500_000, "microseconds", timedelta(seconds=1.5)),
    ],
)
def test_periods(
    beat: Any,
    periodic_task: Any,
    celery_beat: Any,
    every: int,
    period: str,
    length: Any,
) -> None:
    when = beat.IntervalSchedule.objects.create(every=every, period=period)
    periodic_task(interval=when)
    celery_beat("--write")
    assert Schedule.objects.get().every == length


def test_interval_of_less_than_a_second_is_left_out(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    when = beat.IntervalSchedule.objects.create(every=10, period="microseconds")
    periodic_task(interval=when)
    entry = imported()["nightly"]
    assert entry["action"] == "leave out"
    assert entry["reasons"] == ["every: Give one second or more."]


def test_left_out_ones_are_told_in_words(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    every = beat.IntervalSchedule.objects.create(every=90, period="seconds")
    at = beat.ClockedSchedule.objects.create(clocked_time=LATER)
    sun = beat.SolarSchedule.objects.create(event="sunset", latitude=-33, longitude=151)
    periodic_task("interval", task="gone", interval=every)
    periodic_task("clocked", task="gone", clocked=at, one_off=True)
    periodic_task("solar", task="gone", solar=sun)
    assert {name: each["when"] for name, each in imported().items()} == {
        "interval": "every 0:01:30",
        "clocked": "2031-05-06 07:08:09 UTC",
        "solar": "sunset (-33.000000, 151.000000)",
    }


def test_every_other_field(periodic_task: Any, celery_beat: Any) -> None:
    periodic_task(
        task=REPORT,
        args='[1, "two"]',
        kwargs='{"three": {"four": null}}',
        headers='{"trace": "x1"}',
        queue="mail",
        expire_seconds=3600,
        start_time=LATER,
        expires=None,
        enabled=False,
        description="Every night.",
    )
    celery_beat("--write")
    row = Schedule.objects.get()
    assert (row.args, row.kwargs) == ([1, "two"], {"three": {"four": None}})
    assert (row.metadata, row.queue_name) == ({"trace": "x1"}, "mail")
    assert (row.expires, row.start_at) == (HOUR, LATER)
    assert (row.enabled, row.description) == (False, "Every night.")


def test_expires_is_the_end(periodic_task: Any, celery_beat: Any) -> None:
    periodic_task(expires=LATER)
    celery_beat("--write")
    assert Schedule.objects.get().end_at == LATER


def test_expired_and_done_ones_are_left_out(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    past = timezone.now() - DAY
    at = beat.ClockedSchedule.objects.create(clocked_time=past)
    periodic_task("expired", expires=past)
    periodic_task("ran", one_off=True, total_run_count=1)
    periodic_task("clocked ran", clocked=at, one_off=True, total_run_count=1)
    periodic_task("clocked off", clocked=at, one_off=True, enabled=False)
    found = imported("--write")
    assert {each["action"] for each in found.values()} == {"leave out"}
    reasons = {name: each["reasons"][0] for name, each in found.items()}
    assert reasons["expired"].startswith("It expired at 20")
    assert reasons["ran"] == reasons["clocked ran"] == "It was to run once, and has."
    assert "has passed" in reasons["clocked off"]
    assert not Schedule.objects.exists()


def test_one_off_that_celery_has_not_run_yet_runs_at_once(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    past = timezone.now() - HOUR
    at = beat.ClockedSchedule.objects.create(clocked_time=past)
    periodic_task(clocked=at, one_off=True)
    entry = imported("--write")["nightly"]
    assert "a beat runs it at once" in " ".join(entry["differs"])
    assert Schedule.objects.get().clocked_at == past


def test_crontab_that_runs_once_becomes_a_time(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    periodic_task(one_off=True, crontab=crontab(beat, "0 12 6 5 *", "Asia/Tokyo"))
    entry = imported("--write")["nightly"]
    row = Schedule.objects.get()
    assert (row.kind, row.crontab) == ("clocked", "")
    assert row.clocked_at is not None
    assert row.clocked_at > timezone.now()
    assert f"{row.clocked_at:%m-%d %H:%M}" == "05-06 03:00"
    assert any(text.startswith("Runs once: at ") for text in entry["differs"])


def test_dry_run_is_the_default_and_writes_nothing(
    periodic_task: Any, celery_beat: Any
) -> None:
    periodic_task()
    for options in ((), ("--dry-run",)):
        said = celery_beat(*options)
        assert "Nothing was written: 1 to be created. Pass --write" in said
        assert "At 03:15 (UTC)" in said
    assert not Schedule.objects.exists()


def test_repeated_import_changes_nothing(
    beat: Any, periodic_task: Any, imported: Any
) -> None:
    every = beat.IntervalSchedule.objects.create(every=7, period="minutes")
    periodic_task("interval", interval=every)
    periodic_task()
    assert {each["action"] for each in imported("--write").values()} == {"create"}
    before = list(Schedule.objects.values())
    # Celery has gone on meanwhile.
    beat.PeriodicTask.objects.update(last_run_at=timezone.now())
    found = imported("--write")
    assert {each["action"] for each in found.values()} == {"unchanged"}
    assert list(Schedule.objects.values()) == before


def test_what_was_edited_here_is_kept_unless_asked(
    periodic_task: Any, imported: Any
) -> None:
    periodic_task()
    imported("--write")
    Schedule.objects.update(crontab="0 5 * * *", enabled=False)
    entry = imported("--write")["nightly"]
    assert entry["action"] == "keep"
    assert entry["reasons"] == [
        "Differs from Celery's in enabled, crontab. See --update."
    ]
    assert Schedule.objects.get().crontab == "0 5 * * *"
    assert imported("--write", "--update")["nightly"]["action"] == "update"
    assert Schedule.objects.get().crontab == "15 3 * * *"


def test_declared_schedule_of_that_name_is_left(
    periodic_task: Any, imported: Any
) -> None:
    periodic_task()
    Schedule.objects.create(
        name="nightly", task_path=TIDY, crontab="@daily", origin="code"
    )
    assert (
        "is declared in code"
        in imported("--write", "--update")["nightly"]["reasons"][0]
    )
    assert imported("--write", "--prefix", "beat: ")["nightly"]["action"] == "create"
    assert Schedule.objects.filter(name="beat: nightly").exists()


def test_tables_of_celery_are_only_read(
    beat: Any, periodic_task: Any, celery_beat: Any
) -> None:
    periodic_task()
    before = list(beat.PeriodicTask.objects.values())
    celery_beat("--write")
    assert list(beat.PeriodicTask.objects.values()) == before


class TestTasks:
    def test_unknown_one_is_left_out_with_a_proposal(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task("by function", task="proj.jobs.tidy")
        periodic_task("by letters", task="tests.celery_beat.tasks.tidyy")
        periodic_task("by nothing", task="zzz")
        reasons = {name: each["reasons"] for name, each in imported("--write").items()}
        assert reasons["by function"][0] == (
            f"There is no task 'proj.jobs.tidy' here. If it is {TIDY}, pass --map "
            f"proj.jobs.tidy={TIDY}."
        )
        assert f"--map tests.celery_beat.tasks.tidyy={TIDY}" in reasons["by letters"][0]
        assert (
            "Declare it with @task, or pass --map zzz=PATH." in reasons["by nothing"][0]
        )
        assert not Schedule.objects.exists()

    def test_mapped_one_is_imported_and_said(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task(task="proj.jobs.tidy")
        entry = imported("--write", "--map", f"proj.jobs.tidy={TIDY}")["nightly"]
        assert entry["differs"] == [f"Runs {TIDY} instead of proj.jobs.tidy."]
        assert Schedule.objects.get().task_path == TIDY

    @pytest.mark.parametrize(
        ("option", "message"),
        [
            (f"a.b={TIDY}x", f"no task '{TIDY}x'. Did you mean '{TIDY}'?"),
            (f"proj.jobs.tydi={TIDY}", "the task 'proj.jobs.tydi'. Did you mean"),
            ("proj.jobs.tidy", "write OLD=NEW"),
        ],
    )
    def test_bad_map_is_refused(
        self, periodic_task: Any, celery_beat: Any, option: str, message: str
    ) -> None:
        periodic_task(task="proj.jobs.tidy")
        with pytest.raises(CommandError) as raised:
            celery_beat("--map", option, "--write")
        assert message in str(raised.value)

    def test_arguments_that_do_not_fit_are_named(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task("misfit", kwargs='{"dayz": 3}')
        periodic_task("dict", args='{"days": 3}')
        periodic_task("broken", kwargs="{'days': 3}")
        reasons = {name: each["reasons"] for name, each in imported().items()}
        assert "kwargs: " in reasons["misfit"][0]
        assert "dayz" in reasons["misfit"][0]
        assert reasons["dict"][0] == "Its args must be a list in JSON, not {'days': 3}."
        assert reasons["broken"][0].startswith("Its kwargs are no JSON: ")

    def test_clean_up_of_celery_itself_is_left_out(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task("celery.backend_cleanup", task="celery.backend_cleanup")
        (entry,) = imported().values()
        assert entry["reasons"] == [
            "Not needed: workers prune finished jobs by themselves."
        ]


class TestOptions:
    def test_queue_that_is_none_here(self, periodic_task: Any, imported: Any) -> None:
        periodic_task(queue="celery")
        (reason,) = imported()["nightly"]["reasons"]
        assert "has no queue “celery”" in reason
        assert reason.endswith("Or pass --map-queue celery=NAME.")
        imported("--write", "--map-queue", "celery=slow")
        assert Schedule.objects.get().queue_name == "slow"
        imported("--write", "--update", "--map-queue", "celery=")
        assert Schedule.objects.get().queue_name == ""

    @pytest.mark.parametrize(
        ("broker", "options", "expected"),
        [
            ("amqp://guest@localhost//", (), [None, 0, 50, 90, 91, 100]),
            ("redis://localhost/0", (), [None, 0, -50, -90, -91, -100]),
            ("redis://h", ("--priorities", "high-first"), [None, 0, 50, 90, 91, 100]),
        ],
    )
    def test_priorities_keep_their_order(
        self,
        periodic_task: Any,
        celery_beat: Any,
        settings: Any,
        broker: str,
        options: tuple[str, ...],
        expected: list[int | None],
    ) -> None:
        settings.CELERY_BROKER_URL = broker
        for n, priority in enumerate([None, 0, 5, 9, 10, 255]):
            periodic_task(f"{n}", priority=priority)
        celery_beat("--write", *options)
        found = Schedule.objects.order_by("name").values_list("priority", flat=True)
        assert list(found) == expected

    def test_what_has_no_meaning_here_is_said(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task(exchange="media", routing_key="media.video")
        assert imported()["nightly"]["differs"] == [
            "Its exchange 'media' has no meaning here.",
            "Its routing_key 'media.video' has no meaning here.",
        ]

    def test_deadline_of_celery_is_the_grace_of_crontabs(
        self, periodic_task: Any, celery_beat: Any, settings: Any
    ) -> None:
        settings.CELERY_BEAT_CRON_STARTING_DEADLINE = 600
        periodic_task()
        celery_beat("--write")
        assert Schedule.objects.get().grace == 10 * MINUTE

    def test_zones_that_celery_was_told_to_ignore(
        self, beat: Any, periodic_task: Any, celery_beat: Any, settings: Any
    ) -> None:
        periodic_task(crontab=crontab(beat, "0 4 * * *", "Asia/Tokyo"))
        settings.DJANGO_CELERY_BEAT_TZ_AWARE = False
        settings.CELERY_TIMEZONE = "Europe/Vienna"
        celery_beat("--write")
        assert Schedule.objects.get().timezone == "Europe/Vienna"

    def test_only_one(self, periodic_task: Any, celery_beat: Any) -> None:
        periodic_task()
        periodic_task("other")
        with pytest.raises(CommandError, match=r"'nightli'\. Did you mean 'nightly'"):
            celery_beat("--write", "--only", "nightli")
        celery_beat("--write", "--only", "nightly")
        assert Schedule.objects.get().name == "nightly"


class TestDifferences:
    def test_run_that_is_owed_is_said_and_not_made_up_for(
        self, periodic_task: Any, imported: Any
    ) -> None:
        ran = timezone.now() - 3 * DAY
        periodic_task(last_run_at=ran)
        entry = imported("--write")["nightly"]
        owed = next(text for text in entry["differs"] if text.startswith("Was due at"))
        assert "03:15:00 UTC, and Celery has not noted a run since" in owed
        assert owed.endswith("bgtasks schedules run 'nightly'")
        assert all(
            each > timezone.now() for each in next_runs(Schedule.objects.get(), 2)
        )

    def test_interval_goes_on_where_celery_would(
        self, beat: Any, periodic_task: Any, imported: Any
    ) -> None:
        every = beat.IntervalSchedule.objects.create(every=1, period="hours")
        ran = timezone.now() - 10 * MINUTE
        periodic_task(interval=every, last_run_at=ran)
        (text,) = imported("--write")["nightly"]["differs"]
        assert text.startswith(f"Counted exactly from {ran:%Y-%m-%d %H:%M:%S} UTC;")
        assert next_runs(Schedule.objects.get(), 2) == [ran + HOUR, ran + 2 * HOUR]

    def test_crontab_that_celery_refuses_runs_here(
        self, beat: Any, periodic_task: Any, imported: Any
    ) -> None:
        # The form of django-celery-beat allows it.
        when = crontab(beat, "0 0 * * 7")
        when.full_clean()
        periodic_task(crontab=when)
        assert any(
            "no 7 for Sunday" in each for each in imported()["nightly"]["differs"]
        )

    def test_both_fields_for_days(
        self, beat: Any, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task("first", crontab="0 0 1-7 * 2")
        periodic_task("unlucky", crontab="0 0 13 * 5")
        found = imported("--write")
        assert found["first"]["differs"] == [
            "'0 0 1-7 * 2' is written as '0 0 * * 2#1'."
        ]
        assert found["unlucky"]["action"] == "leave out"
        assert found["unlucky"]["when"] == "0 0 13 * 5"
        (reason,) = found["unlucky"]["reasons"]
        assert "both 13 of the month and Friday" in reason
        assert Schedule.objects.get().crontab == "0 0 * * 2#1"

    def test_start_of_a_crontab_is_no_run_here(
        self, periodic_task: Any, imported: Any
    ) -> None:
        periodic_task(start_time=LATER)
        (text,) = imported()["nightly"]["differs"]
        assert text == (
            "Celery runs it at its start, 2031-05-06 07:08:09 UTC, as well; here it is "
            "due first at 2031-05-07 03:15:00 UTC."
        )

    def test_arguments_in_the_form_of_kombu(
        self, periodic_task: Any, imported: Any
    ) -> None:
        from kombu.utils.json import dumps

        periodic_task(task=REPORT, kwargs=dumps({"at": [LATER]}))
        assert "__type__" in imported()["nightly"]["differs"][0]


def test_table_for_people(beat: Any, periodic_task: Any, celery_beat: Any) -> None:
    periodic_task()
    periodic_task("first", crontab="0 0 1-7 * 2")
    periodic_task("gone", task="proj.jobs.tidy", enabled=False)
    lines = celery_beat().splitlines()
    assert lines[0].split() == ["SCHEDULE", "ACTION", "ENABLED", "WHEN", "TASK"]
    rows = {line.split("  ")[0]: " ".join(line.split()) for line in lines[1:4]}
    assert rows["gone"] == "gone leave out no 15 3 * * * proj.jobs.tidy"
    assert rows["nightly"] == f"nightly create yes At 03:15 (UTC) {TIDY}"
    assert "  differs: '0 0 1-7 * 2' is written as '0 0 * * 2#1'." in lines
    assert any(each.startswith("  leave out: There is no task") for each in lines)
    assert lines[-2] == (
        "Nothing was written: 2 to be created, 1 left out. Pass --write to do it."
    )


def test_rows_written_by_hand(beat: Any, periodic_task: Any, imported: Any) -> None:
    periodic_task("none")
    periodic_task("zone", crontab=crontab(beat, "0 4 * * *"))
    beat.PeriodicTask.objects.filter(name="none").update(crontab=None)
    zone = beat.PeriodicTask.objects.get(name="zone").crontab
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_celery_beat_crontabschedule SET timezone = %s, hour = %s "
            "WHERE id = %s",
            ["Mars/Base", "25", zone.pk],
        )
    reasons = {name: each["reasons"][0] for name, each in imported().items()}
    assert reasons["none"] == "It has no schedule: Celery never runs it."
    assert reasons["zone"].startswith("There is no time zone 'Mars/Base'")


def test_without_use_tz(periodic_task: Any, celery_beat: Any, settings: Any) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    there = public(LATER)
    periodic_task(expires=there)
    celery_beat("--write")
    row = Schedule.objects.get()
    assert row.end_at == there
    assert (row.kind, row.timezone) == ("crontab", "UTC")
