"""Declared schedules become rows; people's own word about them stays."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from django_bgtasks import periodic
from django_bgtasks.compat import task_backends
from django_bgtasks.exceptions import InvalidArguments
from django_bgtasks.models import Schedule
from django_bgtasks.periodic import declare
from django_bgtasks.periodic.declaration import Declaration
from django_bgtasks.periodic.sync import Synced, sync
from django_bgtasks.periodic.timings import aware
from tests.elsewhere import at_once, elsewhere

from . import functions

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    monkeypatch.setattr(declare, "_declared", {})


def declaration(name: str = "mine", **values: Any) -> Declaration:
    given = {
        "task_path": functions.two.module_path,
        "backend": "default",
        "origin": "code",
        "kind": "crontab",
        "crontab": "@daily",
        "timezone": "UTC",
        "args": [1],
    }
    return Declaration(name=name, **{**given, **values})


def synced(*declared: Declaration, backend: str = "default") -> Synced:
    return sync(connection, backend, declared)


def row(name: str = "mine") -> Schedule:
    return Schedule.objects.get(name=name)


def edit(name: str = "mine", **values: Any) -> None:
    assert Schedule.objects.filter(name=name).update(**values) == 1


EVERYTHING: dict[str, Any] = {
    "enabled": False,
    "kind": "solar",
    "crontab": "0 0 * * *",
    "timezone": "Europe/Berlin",
    "every": timedelta(minutes=5, microseconds=1),
    "anchor_at": NOON,
    "clocked_at": NOON + timedelta(microseconds=7),
    "solar_event": "sunset",
    "latitude": Decimal("52.520008"),
    "longitude": Decimal("-13.404954"),
    "start_at": NOON,
    "end_at": NOON + timedelta(days=400),
    "description": "für alle",
    "args": [1, {"a": [True, None, 1e22]}],
    "kwargs": {"b": "“ä”", "a": 1},
    "queue_name": "mail",
    "priority": -7,
    "expires": timedelta(hours=2),
    "jitter": timedelta(seconds=30),
    "metadata": {"by": "code"},
    "missed": "run_all",
    "grace": timedelta(days=2),
    "overlap": "queue_one",
    "timing_editable": True,
    "origin": "settings",
}


@pytest.mark.parametrize("use_tz", [True, False])
def test_declaration_becomes_a_row(settings: Any, use_tz: bool) -> None:
    settings.USE_TZ = use_tz
    declared = declaration(**EVERYTHING)
    assert synced(declared) == Synced(created=("mine",))
    for name, value in EVERYTHING.items():
        stored = getattr(row(), name)
        assert (aware(stored) if isinstance(stored, datetime) else stored) == value
    assert row().task_path == functions.two.module_path
    assert not row().timing_edited
    assert synced(declared) == Synced()


def test_what_is_right_is_neither_written_nor_locked() -> None:
    synced(declaration(), declaration("other", **EVERYTHING))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert synced(declaration(), declaration("other", **EVERYTHING)) == Synced()
    (query,) = queries.captured_queries
    assert query["sql"].startswith("SELECT")
    assert "FOR UPDATE" not in query["sql"]


CHANGES = [
    {name: value}
    for name, value in EVERYTHING.items()
    if name not in ("enabled", "kind", "task_path", "timing_editable")
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: next(iter(each)))
def test_only_what_differs_is_written(change: dict[str, Any]) -> None:
    synced(declaration(), declaration("other"))
    changed = declaration(**change)
    with CaptureQueriesContext(connection) as queries:
        result = synced(changed, declaration("other"))
    assert result == Synced(changed=("mine",))
    (update,) = [each["sql"] for each in queries if each["sql"].startswith("UPDATE")]
    assert update.count("=") == 2, update
    assert synced(changed, declaration("other")) == Synced()


def test_numbers_and_truths_differ() -> None:
    synced(declaration(args=[1]))
    assert synced(declaration(args=[True])) == Synced(changed=("mine",))
    assert row().args == [True]


def test_arguments_that_are_no_json_any_more_are_put_right() -> None:
    synced(declaration())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_schedule SET args = '[1,'")
    assert synced(declaration()) == Synced(changed=("mine",))
    assert row().args == [1]


@pytest.mark.parametrize("enabled", [True, False])
def test_people_say_whether_it_is_enabled(enabled: bool) -> None:
    synced(declaration(enabled=not enabled))
    edit(enabled=enabled)
    assert synced(declaration(enabled=not enabled)) == Synced()
    assert synced(declaration(enabled=not enabled, priority=3)).changed
    assert row().enabled is enabled


def test_edited_timing_is_kept_where_the_declaration_lets_it() -> None:
    synced(declaration(timing_editable=True))
    edit(crontab="@hourly", timing_edited=True, priority=5)
    assert synced(declaration(timing_editable=True)).changed == ("mine",)
    assert (row().crontab, row().priority) == ("@hourly", None)
    assert synced(declaration(timing_editable=True)) == Synced()


def test_edited_timing_gives_way_where_it_may_not_be_edited() -> None:
    synced(declaration(timing_editable=True))
    edit(crontab="@hourly", timing_edited=True)
    assert synced(declaration()).changed == ("mine",)
    assert row().crontab == "@daily"
    assert not row().timing_edited
    edit(crontab="@hourly")
    assert synced(declaration()).changed == ("mine",)
    assert row().crontab == "@daily"


def test_timing_that_nobody_edited_follows_the_declaration() -> None:
    synced(declaration(timing_editable=True))
    assert synced(declaration(timing_editable=True, crontab="@weekly")).changed
    assert row().crontab == "@weekly"


def test_schedule_without_declaration_is_disabled_and_kept() -> None:
    synced(declaration(), declaration("other"))
    assert synced(declaration("other")) == Synced(disabled=("mine",))
    gone = row()
    assert not gone.enabled
    assert gone.undeclared_at is not None
    assert synced(declaration("other")) == Synced()
    assert row("other").enabled


def test_schedule_whose_declaration_is_back_is_enabled_again() -> None:
    synced(declaration())
    synced()
    assert synced(declaration()) == Synced(returned=("mine",))
    back = row()
    assert (back.enabled, back.undeclared_at, back.was_enabled) == (True, None, False)


def test_paused_schedule_stays_paused_when_its_declaration_is_back() -> None:
    synced(declaration())
    edit(enabled=False)
    assert synced() == Synced(disabled=("mine",))
    assert row().undeclared_at is not None
    assert synced(declaration(priority=1)) == Synced(
        changed=("mine",), returned=("mine",)
    )
    assert not row().enabled


def test_people_may_keep_what_is_no_longer_declared() -> None:
    synced(declaration())
    synced()
    edit(enabled=True)
    assert synced() == Synced()
    assert row().enabled
    assert synced(declaration()) == Synced(returned=("mine",))
    assert row().enabled


def test_name_of_a_schedule_made_by_hand_is_not_taken(
    caplog: pytest.LogCaptureFixture, schedule: Callable[..., Schedule]
) -> None:
    schedule(name="mine")
    before = Schedule.objects.values().get()
    for _ in range(2):
        caplog.clear()
        result = synced(declaration(), declaration("other"))
        assert result.refused == ("mine",)
        (error,) = [each for each in caplog.records if each.levelno == logging.ERROR]
        assert "schedule mine is left out" in error.getMessage()
        assert "Rename" in error.getMessage()
    assert Schedule.objects.values().get(name="mine") == before
    assert row("other").is_declared


def test_name_that_is_nearly_the_same_is_another_or_taken(
    schedule: Callable[..., Schedule], vendor: str
) -> None:
    schedule(name="MINE")
    before = Schedule.objects.values().get()
    result = synced(declaration())
    if vendor in ("mariadb", "mysql"):
        # Their columns tell no case apart.
        assert result == Synced(refused=("mine",))
    else:
        assert result == Synced(created=("mine",))
    assert Schedule.objects.values().get(pk=before["id"]) == before
    edit("MINE", origin="code", backend="second")
    synced(declaration())
    assert Schedule.objects.get(pk=before["id"]).enabled


def test_schedules_made_by_hand_and_of_others_are_not_touched(
    schedule: Callable[..., Schedule],
) -> None:
    schedule(name="by hand")
    synced(declaration("there", backend="second"), backend="second")
    before = list(Schedule.objects.values())
    assert synced() == Synced()
    assert list(Schedule.objects.values()) == before


def test_schedule_moves_to_the_backend_that_declares_it() -> None:
    synced(declaration(backend="second"), backend="second")
    synced(backend="second")
    result = synced(declaration(), backend="default")
    assert result == Synced(changed=("mine",), returned=("mine",))
    assert (row().backend, row().enabled) == ("default", True)
    assert synced(backend="second") == Synced()


def test_schedule_moves_from_settings_to_code() -> None:
    synced(declaration(origin="settings"))
    assert synced(declaration()) == Synced(changed=("mine",))
    assert row().origin == Schedule.Origin.CODE


def test_declarations_of_code_and_settings_are_written(settings: Any) -> None:
    entry = settings.TASKS["default"]
    nightly = {"task": functions.nothing.module_path, "crontab": "@daily"}
    settings.TASKS = {
        "default": {**entry, "OPTIONS": {"SCHEDULES": {"Nightly": nightly}}}
    }
    periodic(every="5m", name="Often", args=[1])(functions.two)
    backend: Any = task_backends["default"]
    result = sync(backend.connection, backend.alias, declare.declarations(backend))
    assert result == Synced(created=("Nightly", "Often"))
    assert (
        sync(backend.connection, "default", declare.declarations(backend)) == Synced()
    )


def test_what_was_done_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "django_bgtasks.beat")
    synced(declaration("b"), declaration("a"))
    synced(declaration("a", priority=1))
    synced(declaration("a", priority=1), declaration("b"))
    assert [each.getMessage() for each in caplog.records] == [
        "Declared schedules of the backend default: created a, b.",
        "Declared schedules of the backend default: changed a.",
        "Declared schedules of the backend default: disabled b.",
        "Declared schedules of the backend default: returned b.",
    ]


@pytest.mark.django_db(transaction=True)
def test_beats_that_start_together_make_each_schedule_once() -> None:
    declared = [declaration(f"schedule {number:02}") for number in range(20)]

    def start() -> Synced:
        return sync(connections["default"], "default", declared)

    results = at_once([start] * 4)
    created = sorted(name for result in results for name in result.created)
    assert created == [each.name for each in declared]
    assert not any(result.refused or result.disabled for result in results)
    assert Schedule.objects.filter(enabled=True).count() == 20


@pytest.mark.django_db(transaction=True)
def test_beats_that_start_together_agree_on_changes() -> None:
    names = [f"schedule {number:02}" for number in range(20)]
    synced(*[declaration(name) for name in names])
    declared = [declaration(name, priority=9) for name in names[:10]]

    def start() -> Synced:
        return sync(connections["default"], "default", declared)

    results = at_once([start] * 4)
    changed = sorted(name for result in results for name in result.changed)
    disabled = sorted(name for result in results for name in result.disabled)
    assert (changed, disabled) == (names[:10], names[10:])
    assert Schedule.objects.filter(priority=9, enabled=True).count() == 10
    assert Schedule.objects.filter(enabled=False, was_enabled=True).count() == 10


@pytest.mark.only_on("postgresql", "mariadb", "mysql")
@pytest.mark.django_db(transaction=True)
def test_one_that_another_beat_is_making_is_waited_for() -> None:
    with elsewhere() as other:
        other.begin()
        other.run(lambda: synced_elsewhere(declaration(priority=1)))
        with elsewhere() as mine:
            made = mine.start(lambda: synced_elsewhere(declaration()))
            other.commit()
            assert made.result(60) == Synced(changed=("mine",))
    assert row().priority is None


def synced_elsewhere(declared: Declaration) -> Synced:
    return sync(connections["default"], "default", [declared])


@pytest.mark.django_db(transaction=True)
def test_all_are_written_or_none() -> None:
    synced(declaration("b"))
    cannot_be = declaration("c", args=[object()])
    with pytest.raises(InvalidArguments):
        synced(declaration("a"), declaration("b", priority=1), cannot_be)
    assert list(Schedule.objects.values_list("name", "priority")) == [("b", None)]
