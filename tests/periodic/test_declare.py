"""Schedules in code and in settings: what is declared, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

import django_bgtasks
from django_bgtasks import periodic, task
from django_bgtasks.compat import Task as DjangosTask
from django_bgtasks.compat import task_backends
from django_bgtasks.models import Schedule
from django_bgtasks.periodic import declare
from django_bgtasks.periodic.declaration import OPTION_NAMES, Declaration
from django_bgtasks.periodic.declare import declarations

from . import functions

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
PATH = "tests.periodic.functions"


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "_declared", {})


@pytest.fixture
def schedules(settings: Any) -> Any:
    """Set SCHEDULES of the default backend, and return the backend."""

    def put(**given: Any) -> Any:
        entry = settings.TASKS["default"]
        settings.TASKS = {"default": {**entry, "OPTIONS": {"SCHEDULES": given}}}
        return task_backends["default"]

    return put


def run_python(code: str, **environment: str) -> None:
    """Run code in an interpreter that has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def declared() -> list[Declaration]:
    return declarations(task_backends["default"])


def only() -> Declaration:
    (declaration,) = declared()
    return declaration


def test_task_stays_as_it_is() -> None:
    assert periodic("@daily")(functions.nothing) is functions.nothing


def test_defaults_are_those_of_a_schedule() -> None:
    periodic("@daily")(functions.nothing)
    assert only().name == only().task_path == functions.nothing.module_path
    row = Schedule()
    for name in Declaration.__dataclass_fields__:
        if name not in ("name", "task_path", "kind", "crontab", "origin"):
            expected = name != "timing_editable" and getattr(row, name)
            assert getattr(only(), name) == expected, name
    assert only().origin == Schedule.Origin.CODE


def test_every_option_is_kept() -> None:
    periodic(
        "0 18 * * 1-5",
        name="End of day",
        description="For the accountants",
        enabled=False,
        editable=True,
        timezone="Europe/Berlin",
        start_at=datetime(2026, 1, 1),
        end_at=datetime(2026, 12, 31, tzinfo=UTC),
        args=(1,),
        kwargs={"second": "a"},
        queue_name="mail",
        priority=-5,
        expires="2h",
        jitter=30,
        metadata={"by": "code"},
        missed="run_all",
        grace=timedelta(hours=1),
        overlap=Schedule.Overlap.QUEUE_ONE,
    )(functions.two)
    assert only() == Declaration(
        name="End of day",
        task_path=functions.two.module_path,
        backend="default",
        origin="code",
        kind="crontab",
        timezone="Europe/Berlin",
        enabled=False,
        crontab="0 18 * * 1-5",
        # Without a zone of its own, in that of the schedule.
        start_at=datetime(2025, 12, 31, 23, tzinfo=UTC),
        end_at=datetime(2026, 12, 31, tzinfo=UTC),
        description="For the accountants",
        args=[1],
        kwargs={"second": "a"},
        queue_name="mail",
        priority=-5,
        expires=timedelta(hours=2),
        jitter=timedelta(seconds=30),
        metadata={"by": "code"},
        missed="run_all",
        grace=timedelta(hours=1),
        overlap="queue_one",
        timing_editable=True,
    )


NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TIMINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"crontab": "@daily"}, {"kind": "crontab", "crontab": "@daily"}),
    ({"every": "5m"}, {"kind": "interval", "every": timedelta(minutes=5)}),
    (
        {"every": 90, "anchor_at": NOON},
        {"kind": "interval", "every": timedelta(seconds=90), "anchor_at": NOON},
    ),
    ({"at": NOON}, {"kind": "clocked", "clocked_at": NOON}),
    (
        {"solar": "sunset", "latitude": 52.520008, "longitude": -1},
        {
            "kind": "solar",
            "solar_event": "sunset",
            "latitude": Decimal("52.520008"),
            "longitude": Decimal(-1),
        },
    ),
]


@pytest.mark.parametrize(("options", "fields"), TIMINGS)
def test_each_kind_of_timing_is_declared(
    options: dict[str, Any], fields: dict[str, Any]
) -> None:
    periodic(**options)(functions.nothing)
    assert {name: getattr(only(), name) for name in fields} == fields


def test_zone_is_that_of_the_project(settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    periodic(at=datetime(2026, 6, 1, 12))(functions.nothing)
    assert only().timezone == "Asia/Kolkata"
    assert only().clocked_at == datetime(2026, 6, 1, 6, 30, tzinfo=UTC)


def test_past_is_no_error_of_code_that_stays() -> None:
    periodic(at=datetime(2020, 1, 1, tzinfo=UTC))(functions.nothing)
    assert only().clocked_at == datetime(2020, 1, 1, tzinfo=UTC)


REFUSED: list[tuple[type[Exception], Any, dict[str, Any], str]] = [
    (TypeError, "nothing", {"evry": 5}, "evry: .*Did you mean 'every'"),
    (TypeError, "nothing", {"crontab": "@daily", "nmae": "a"}, "mean 'name'"),
    (TypeError, "nothing", {"crontab": "@daily", "xyz": 1}, "The options are: .*name"),
    (TypeError, "nothing", {"crontab": timedelta(1)}, "takes a crontab as text"),
    (ImproperlyConfigured, "nothing", {}, "crontab: .*when it is due"),
    (ImproperlyConfigured, "nothing", {"crontab": "@daily", "every": 5}, "every: "),
    (ImproperlyConfigured, "nothing", {"crontab": "* *"}, "crontab: .*2 fields"),
    (ImproperlyConfigured, "nothing", {"crontab": "0 0 30 2 *"}, "never due"),
    (ImproperlyConfigured, "nothing", {"every": 0}, "every: "),
    (ImproperlyConfigured, "nothing", {"every": -1}, "every: "),
    (ImproperlyConfigured, "nothing", {"every": "soon"}, "every: 'soon'"),
    (ImproperlyConfigured, "nothing", {"every": timedelta.max}, "every: "),
    (ImproperlyConfigured, "nothing", {"at": "noon"}, "at: .*datetime"),
    (ImproperlyConfigured, "nothing", {"at": datetime.max}, "at: "),
    (ImproperlyConfigured, "nothing", {"at": datetime.min}, "at: "),
    (ImproperlyConfigured, "nothing", {"solar": "sunset"}, "latitude: "),
    (
        ImproperlyConfigured,
        "nothing",
        {"solar": "eclipse", "latitude": 1, "longitude": 1},
        "solar: .*sunset",
    ),
    (
        ImproperlyConfigured,
        "nothing",
        {"solar": "sunset", "latitude": "north", "longitude": 1},
        "latitude: .*'north'",
    ),
    (
        ImproperlyConfigured,
        "nothing",
        {"solar": "sunset", "latitude": 1, "longitude": 181},
        "longitude: .*-180 to 180",
    ),
    (
        ImproperlyConfigured,
        "nothing",
        {"solar": "sunset", "latitude": float("nan"), "longitude": 1},
        "latitude: ",
    ),
    (ImproperlyConfigured, "nothing", {"at": NOON, "latitude": 1}, "goes with solar="),
    (ImproperlyConfigured, "nothing", {"at": NOON, "anchor_at": NOON}, "with every="),
    (ImproperlyConfigured, "nothing", {"at": NOON, "timezone": "Mars"}, "timezone: "),
    (
        ImproperlyConfigured,
        "nothing",
        {"at": datetime(2026, 1, 1), "timezone": "Mars"},
        "timezone: .*'Mars'",
    ),
    (
        ImproperlyConfigured,
        "nothing",
        {"every": 5, "start_at": NOON, "end_at": NOON},
        "end_at: ",
    ),
    (ImproperlyConfigured, "nothing", {"every": 5, "end_at": NOON.date()}, "end_at: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "args": [1]}, "args: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "args": "a"}, "args: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "kwargs": {"a": 1}}, "kwargs: "),
    (ImproperlyConfigured, "two", {"every": 5}, "args: .*“first”"),
    (ImproperlyConfigured, "two", {"every": 5, "args": [{1}]}, r"args: .*args\[0\]"),
    (ImproperlyConfigured, "nothing", {"every": 5, "metadata": [1]}, "metadata: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "queue_name": "x"}, "queue_name: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "priority": 101}, "priority: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "expires": -1}, "expires: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "grace": 0}, "grace: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "jitter": "x"}, "jitter: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "missed": "never"}, "missed: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "overlap": "no"}, "overlap: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "enabled": 1}, "enabled: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "editable": "yes"}, "editable: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "backend": "nope"}, "backend: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "backend": 5}, "backend: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "name": ""}, "name: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "name": 5}, "name: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "name": "x" * 201}, "name: "),
    (ImproperlyConfigured, "nothing", {"every": 5, "description": 5}, "description: "),
]


@pytest.mark.parametrize(("error", "task_name", "options", "words"), REFUSED)
def test_wrong_declaration_is_refused_by_the_name_of_its_option(
    error: type[Exception], task_name: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(error, match=words):
        periodic(**options)(getattr(functions, task_name))
    assert declared() == []


@pytest.mark.parametrize("thing", [functions.no_task, 5, None])
def test_only_a_task_can_be_below(thing: Any) -> None:
    with pytest.raises(TypeError, match="stands above @task"):
        periodic("@daily")(thing)


def test_copy_of_a_task_is_refused_lest_its_options_be_lost() -> None:
    with pytest.raises(TypeError, match="itself, not what using"):
        periodic("@daily")(functions.nothing.using(priority=5))


def test_decorator_without_parentheses_is_refused() -> None:
    with pytest.raises(TypeError, match=r"as @periodic\("):
        periodic(functions.nothing)  # type: ignore[call-overload]


def test_several_of_one_task_need_names() -> None:
    periodic("@daily")(functions.nothing)
    with pytest.raises(ImproperlyConfigured, match="Give each of them its own name="):
        periodic("@hourly")(functions.nothing)
    periodic("@hourly", name="hourly")(functions.nothing)
    assert [each.name for each in declared()] == ["hourly", f"{PATH}.nothing"]


def test_name_of_another_task_is_taken() -> None:
    periodic("@daily", name="mine")(functions.nothing)
    with pytest.raises(ImproperlyConfigured, match=r"'mine' is taken .*nothing"):
        periodic("@daily", name="mine")(functions.any_place)


def test_module_that_is_imported_anew_declares_its_own_again() -> None:
    def make(crontab: str) -> None:
        def again() -> None: ...

        again.__qualname__ = "again"
        periodic(crontab)(task(again))

    make("@daily")
    make("@hourly")
    assert only().crontab == "@hourly"


def test_task_of_django_is_as_good(settings: Any) -> None:
    settings.TASKS = {
        **settings.TASKS,
        "other": {
            "BACKEND": f"{DjangosTask.__module__.rpartition('.')[0]}"
            ".backends.dummy.DummyBackend"
        },
    }
    plain = DjangosTask(
        priority=0,
        func=functions.no_task,
        backend="other",
        queue_name="default",
        run_after=None,
        takes_context=False,
    )
    # Its own backend is of no beat; here it rests, as in a project's tests.
    periodic("@daily", name="resting")(plain)
    assert declared() == []
    periodic("@daily", backend="default")(plain)
    assert only().task_path == f"{PATH}.no_task"
    assert only().backend == "default"


def test_schedules_of_the_settings_are_declared(schedules: Any) -> None:
    backend = schedules(
        Nightly={"task": f"{PATH}.two", "crontab": "@daily", "args": [1]},
        Often={"task": f"{PATH}.nothing", "every": "5m", "editable": True},
    )
    nightly, often = declarations(backend)
    assert (nightly.name, nightly.task_path) == ("Nightly", f"{PATH}.two")
    assert (nightly.kind, nightly.args) == ("crontab", [1])
    assert nightly.origin == often.origin == Schedule.Origin.SETTINGS
    assert (often.every, often.timing_editable) == (timedelta(minutes=5), True)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"task": f"{PATH}.nothing", "crontb": "@daily"}, "Did you mean 'crontab'?"),
        ({"tsk": f"{PATH}.nothing", "crontab": "@daily"}, "Did you mean 'task'?"),
        ({"task": f"{PATH}.gone", "crontab": "@daily"}, "task: "),
        ({"crontab": "@daily"}, "task: "),
        ({"task": f"{PATH}.nothing", "crontab": "@dayly"}, "crontab: "),
    ],
)
def test_bad_entry_of_the_settings_is_left_out_and_told_of(
    schedules: Any, caplog: pytest.LogCaptureFixture, entry: Any, words: str
) -> None:
    good = {"task": f"{PATH}.nothing", "every": 5}
    backend = schedules(bad=entry, good=good)
    assert [each.name for each in declarations(backend)] == ["good"]
    (record,) = caplog.records
    assert "['SCHEDULES']['bad'] is left out" in record.getMessage()
    assert words in record.getMessage()


def test_name_is_declared_once(
    schedules: Any, caplog: pytest.LogCaptureFixture
) -> None:
    periodic("@daily", name="mine")(functions.nothing)
    backend = schedules(mine={"task": f"{PATH}.nothing", "every": 5})
    (declaration,) = declarations(backend)
    assert declaration.origin == Schedule.Origin.CODE
    assert "'mine' is that of @periodic above" in caplog.text


def test_backends_have_schedules_of_their_own(settings: Any) -> None:
    entry = settings.TASKS["default"]
    settings.TASKS = {"default": entry, "second": entry}
    periodic("@daily")(functions.nothing)
    periodic("@daily", name="there", backend="second")(functions.nothing)
    assert only().name == f"{PATH}.nothing"
    assert [each.name for each in declarations(task_backends["second"])] == ["there"]


def test_options_are_all_in_the_docstring() -> None:
    names = {*OPTION_NAMES, "name", "backend"}
    assert [each for each in names if f"``{each}``" not in str(periodic.__doc__)] == []


IMPORTS = [
    "from django_bgtasks import periodic",
    "import django_bgtasks.periodic",
    "import django_bgtasks.periodic.crontab",
    "from django_bgtasks.periodic import crontab",
    "from django_bgtasks.periodic.declare import declarations",
    "import importlib; importlib.import_module('django_bgtasks.periodic.timings')",
]


@pytest.mark.parametrize("first", IMPORTS)
def test_name_is_the_decorator_whatever_was_imported_first(first: str) -> None:
    rest = "\n".join(each for each in IMPORTS if each != first)
    code = f"""
{first}
import sys, django_bgtasks
assert not [name for name in sys.modules if name.startswith("django_bgtasks.models")]
def check():
    from django_bgtasks import periodic
    assert type(periodic).__name__ == "function", periodic
    assert django_bgtasks.periodic is periodic
check()
{rest}
check()
import django
django.setup()
import django_bgtasks.periodic.sync
from django_bgtasks.periodic import sync, validate
assert sync.sync and validate.problems
check()
"""
    run_python(code, DJANGO_SETTINGS_MODULE="tests.settings")


def test_package_is_imported_without_settings_or_apps() -> None:
    code = """
import sys
from django_bgtasks import periodic
from django.conf import settings
assert not settings.configured
heavy = {"croniter", "astral", "cron_descriptor", "django.db", "django.apps"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    run_python(code)


def test_tasks_may_be_imported_before_the_apps_are_ready() -> None:
    code = """
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from tests.periodic.functions import nothing
from django_bgtasks import periodic
periodic(every="5m")(nothing)
try:
    periodic(every=0, args=[1], name="wrong")(nothing)
except ImproperlyConfigured as error:
    assert "every: Give one second or more" in str(error), error
else:
    raise AssertionError("not refused")
assert not apps.apps_ready
"""
    run_python(code, DJANGO_SETTINGS_MODULE="tests.settings")


def test_decorator_is_public() -> None:
    assert isinstance(django_bgtasks.periodic, FunctionType)
    assert "periodic" in django_bgtasks.__all__
