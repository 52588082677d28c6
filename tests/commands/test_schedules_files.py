"""``bgtasks schedules export`` and ``import``."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from django_bgtasks.management.schedules.changes import FIELDS
from django_bgtasks.models import Schedule
from django_bgtasks.results import public

from . import tasks
from .conftest import Run

pytestmark = pytest.mark.django_db

SUCCEED = tasks.succeed.module_path
SOON = datetime(2031, 3, 30, 1, 30, 15, 123456, tzinfo=UTC)


@pytest.fixture
def schedules(db: None) -> list[Schedule]:
    """One of each kind, with every field in use somewhere."""
    rows: list[dict[str, Any]] = [
        {"crontab": "0 9-17/2 * * mon#1", "timezone": "Europe/Berlin"},
        {"crontab": "@daily", "args": [[1, "two", None, 1e22, 3.5, "2031-01-01"]]},
        {
            "kind": "interval",
            "every": timedelta(seconds=90),
            "anchor_at": public(SOON),
            "start_at": public(SOON),
            "end_at": public(SOON + timedelta(days=7, microseconds=1)),
            "expires": timedelta(days=14),
            "jitter": timedelta(milliseconds=1500),
            "grace": timedelta(hours=36),
            "missed": "run_all",
            "overlap": "queue_one",
            "kwargs": {"value": {"ключ": ["ж", True, "on", "null", "1_000", "~"]}},
            "metadata": {"why": "1:30", "n": {"deep": []}},
            "queue_name": "mail",
            "priority": -5,
            "description": "Two lines:\n  of words - and 'quotes' # and this\n",
            "enabled": False,
        },
        {"kind": "clocked", "clocked_at": public(SOON), "timezone": "Asia/Tokyo"},
        {
            "kind": "solar",
            "solar_event": "dusk_civil",
            "latitude": Decimal("-33.865143"),
            "longitude": Decimal("151.2099"),
            # Left from another kind.
            "crontab": "* * * * *",
        },
    ]
    return [
        Schedule.objects.create(**{"name": f"№ {n}: yes", "task_path": SUCCEED, **row})
        for n, row in enumerate(rows)
    ]


def table() -> list[dict[str, Any]]:
    return list(Schedule.objects.order_by("name").values(*FIELDS))


@pytest.fixture
def import_text(bgtasks: Run, tmp_path: Path) -> Any:
    def run(text: Any, *options: Any, form: str = "json") -> str:
        path = tmp_path / f"schedules.{form}"
        path.write_text(text if isinstance(text, str) else json.dumps(text), "utf-8")
        return bgtasks("schedules", "import", path, *options)

    return run


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_is_exported_comes_back_exactly(
    bgtasks: Run, schedules: list[Schedule], tmp_path: Path, form: str
) -> None:
    if form == "yaml":
        pytest.importorskip("yaml", reason="PyYAML is not installed")
    path = tmp_path / f"schedules.{form}"
    said = bgtasks("schedules", "export", "--output", path)
    assert said == f"Exported 5 schedules to {path}.\n"
    before = table()
    Schedule.objects.all().delete()
    assert bgtasks("schedules", "import", path).endswith("Wrote 5 schedules.\n")
    assert table() == before
    assert bgtasks("schedules", "import", path).endswith("Wrote 0 schedules.\n")


def test_without_use_tz_files_have_offsets_all_the_same(
    bgtasks: Run, import_text: Any, settings: Any
) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = "Asia/Tokyo"
    at = public(SOON)
    Schedule.objects.create(name="a", task_path=SUCCEED, kind="clocked", clocked_at=at)
    text = bgtasks("schedules", "export")
    assert json.loads(text)["a"]["at"] == "2031-03-30T10:30:15.123456+09:00"
    before = table()
    Schedule.objects.all().delete()
    import_text(text)
    assert table() == before


def test_export_is_what_people_write(bgtasks: Run, schedules: list[Schedule]) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    text = bgtasks("schedules", "export", "№ 0: yes", "№ 2: yes", "--format", "yaml")
    start = text.splitlines()
    assert start[:4] == [
        "'№ 0: yes':",
        f"  task: {SUCCEED}",
        "  crontab: 0 9-17/2 * * mon#1",
        "  timezone: Europe/Berlin",
    ]
    for line in ("  every: 90s", "  expires: 2w", "  jitter: 1.5s", "  grace: 36h"):
        assert line in start
    assert "kind" not in text
    assert "  enabled: false" in start


def test_export_leaves_declared_ones_unless_named(
    bgtasks: Run, schedules: list[Schedule]
) -> None:
    Schedule.objects.filter(pk=schedules[0].pk).update(origin="code")
    assert len(json.loads(bgtasks("schedules", "export"))) == 4
    assert len(json.loads(bgtasks("schedules", "export", "№ 0: yes"))) == 1


def test_written_by_hand(import_text: Any) -> None:
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    import_text(
        f"""
        breakfast:
          task: {SUCCEED}
          crontab: 30 7 * * mon-fri
          timezone: Europe/Vienna
          start_at: 2031-03-30T01:30:00+02:00
        tea:
          task: {SUCCEED}
          every: PT2H30M
          expires: 300
          kwargs: {{value: [1, two]}}
        moon: {{task: {SUCCEED}, solar: sunset, latitude: 10, longitude: -20.5}}
        """,
        form="yaml",
    )
    breakfast, moon, tea = Schedule.objects.order_by("name")
    assert breakfast.start_at == public(datetime(2031, 3, 29, 23, 30, tzinfo=UTC))
    assert (tea.kind, tea.every) == ("interval", timedelta(hours=2, minutes=30))
    assert (tea.expires, tea.kwargs) == (timedelta(minutes=5), {"value": [1, "two"]})
    assert (moon.kind, moon.longitude) == ("solar", Decimal("-20.5"))


def test_everything_wrong_is_named_before_anything_is_written(import_text: Any) -> None:
    with pytest.raises(CommandError) as raised:
        import_text(
            {
                "well": {"task": SUCCEED, "every": "5m"},
                "one": {"task": "tests.commands.tasks.suceed", "crontab": "61 * * * *"},
                "two": {"task": SUCCEED, "evry": "5m"},
                "three": {
                    "task": SUCCEED,
                    "crontab": "@daily",
                    "args": [1, 2],
                    "queue_name": "mial",
                    "expires": "5 fortnights",
                    "start_at": "2031-01-01",
                    "enabled": "yes",
                },
            }
        )
    found = str(raised.value).splitlines()
    for start in (
        "one: task: 'tests.commands.tasks.suceed' names no task",
        "one: crontab: The minute '61' is not valid.",
        "two: evry: There is no such key. Did you mean 'every'?",
        "two: kind: Give one of crontab, every, at, solar",
        "three: args: ",
        "three: queue_name: ",
        "three: expires: '5 fortnights' is no length of time",
        "three: start_at: 2031-01-01T00:00:00 has no offset from UTC",
        "three: enabled: 'yes' is neither true nor false.",
    ):
        assert any(line.startswith(start) for line in found), (start, found)
    assert found[-1] == "Nothing was written."
    assert not any(line.startswith("well") for line in found)
    assert not Schedule.objects.exists()


def test_one_that_differs_is_overwritten_only_when_asked(import_text: Any) -> None:
    file = {"tea": {"task": SUCCEED, "every": "1h"}}
    assert import_text(file) == "tea: created\nWrote 1 schedule.\n"
    Schedule.objects.update(every=timedelta(hours=2), queue_name="mail")
    with pytest.raises(CommandError) as raised:
        import_text({**file, "coffee": {"task": SUCCEED, "every": "2h"}})
    assert str(raised.value) == (
        "tea: It is here and differs in every, queue_name: see --update.\n"
        "Nothing was written."
    )
    assert Schedule.objects.count() == 1
    dry = import_text(file, "--update", "--dry-run")
    assert dry == "tea: updated (every, queue_name)\n1 schedule would be written.\n"
    assert Schedule.objects.get().every == timedelta(hours=2)
    import_text(file, "--update")
    row = Schedule.objects.get()
    assert (row.every, row.queue_name) == (timedelta(hours=1), "")


def test_declared_one_is_not_overwritten(
    import_text: Any, schedules: list[Schedule]
) -> None:
    Schedule.objects.filter(pk=schedules[0].pk).update(origin="code")
    with pytest.raises(CommandError, match="is declared in code or settings"):
        import_text({"№ 0: yes": {"task": SUCCEED, "every": "1h"}}, "--update")


def test_one_off_of_the_past_would_run_at_once_and_is_refused(import_text: Any) -> None:
    past = {"task": SUCCEED, "at": "2020-01-01T00:00:00Z"}
    with pytest.raises(CommandError, match="old: at: This time has passed"):
        import_text({"old": past})
    import_text({"old": {**past, "enabled": False}})
    assert not Schedule.objects.get().enabled


@pytest.mark.only_on("mariadb", "mysql")
def test_names_that_are_the_same_to_the_database(import_text: Any) -> None:
    entry = {"task": SUCCEED, "every": "1h"}
    with pytest.raises(CommandError) as raised:
        import_text({"tea": entry, "other": entry, "Tea": entry})
    assert str(raised.value) == (
        "Tea: there is a schedule of this name, or of one that is the same to this "
        "database. Choose another.\nNothing was written."
    )
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("form", "text", "message"),
    [
        ("json", '{"a": {}, "a": {}}', "'a' is there twice"),
        ("json", '{"a": {"task": 1, "task": 2}}', "'task' is there twice"),
        ("json", "[]", "is no mapping"),
        ("json", '{"a": []}', r"a: \[\] is no mapping"),
        ("json", '{"a": ', "Expecting value"),
        ("yaml", "a: {}\nb: {}\na: {}\n", "'a' is there twice, again in line 3"),
        ("yaml", "1: {}", "The name 1 is no text"),
        ("yaml", "a:\n  crontab: * * * * *", "line 2"),
        ("yaml", "!!python/object/apply:os.getcwd []", "could not determine"),
        ("yaml", "a: {}\nb: 2026-13-45\n", "'2026-13-45' in line 2 is no timestamp"),
        ("yaml", "a: !!timestamp x", "'x' in line 1 is no timestamp"),
        ("yaml", "a: !!bool x", "'x' in line 1 is no bool"),
        ("json", "[" * 100_000, "recursion"),
        ("json", '{"\\ud800": {}}', r"The name \\ud800 is no valid text"),
    ],
)
def test_unreadable_file(import_text: Any, form: str, text: str, message: str) -> None:
    if form == "yaml":
        pytest.importorskip("yaml", reason="PyYAML is not installed")
    with pytest.raises(CommandError, match=message):
        import_text(text, form=form)


def test_file_that_is_not_there(bgtasks: Run, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        bgtasks("schedules", "import", tmp_path / "none.json")


def test_standard_input(bgtasks: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"tea": {"task": SUCCEED, "every": "1h"}})
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert "Wrote 1 schedule." in bgtasks("schedules", "import", "-")


def test_yaml_without_pyyaml_is_explained(
    bgtasks: Run, schedules: list[Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(CommandError, match=r"pip install \"django-bgtasks\[yaml\]\""):
        bgtasks("schedules", "export", "--format", "yaml")
    assert bgtasks("schedules", "export").startswith("{")
