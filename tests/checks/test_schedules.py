"""What `manage.py check` says of OPTIONS["SCHEDULES"]."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_bgtasks import periodic
from django_bgtasks.checks import check_backend, worker_problems
from django_bgtasks.compat import task_backends
from django_bgtasks.periodic import declare
from tests.testapp.tasks import record

GOOD = {"task": "tests.testapp.tasks.record", "args": ["a"], "crontab": "@daily"}


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declare, "_declared", {})


def changed(**options: Any) -> dict[str, Any]:
    return {key: value for key, value in {**GOOD, **options}.items() if value != ""}


def test_right_schedules_are_fine(configure: Any) -> None:
    schedules = {"Daily": GOOD, "Often": changed(crontab="", every="5m")}
    assert check_backend(configure(SCHEDULES=schedules)) == []


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("E012", {"crontb": "@daily"}, "crontb: is no option", "mean 'crontab'?"),
    ("E012", {"xyz": 1}, "xyz: is no option", "The options are: "),
    ("E012", {"name": "a"}, "name: is no option", ""),
    ("E013", {"task": "tests.testapp.tasks.recrd"}, "task: ", ""),
    ("E013", {"task": "os.system"}, "task: 'os.system' is no task", ""),
    ("E013", {"task": ""}, "task: Choose the task", ""),
    ("E014", {"crontab": "@dayly"}, "crontab: ", ""),
    ("E014", {"crontab": ""}, "crontab: the schedule does not say", ""),
    ("E014", {"every": 5}, "every: a schedule has one timing", ""),
    ("E014", {"args": []}, "args: record needs the argument “key”", ""),
    ("E014", {"timezone": "Mars"}, "timezone: ", ""),
    ("E014", {"priority": 1000}, "priority: ", ""),
]


@pytest.mark.parametrize(("code", "options", "words", "hint"), WRONG)
def test_wrong_schedule_is_an_error(
    configure: Any, code: str, options: dict[str, Any], words: str, hint: str
) -> None:
    backend = configure(SCHEDULES={"Mine": changed(**options), "Good": GOOD})
    (message,) = check_backend(backend)
    assert message.id == f"django_bgtasks.{code}"
    where = "TASKS['default']['OPTIONS']['SCHEDULES']['Mine']: "
    assert message.msg.startswith(where + words)
    assert hint in str(message.hint)


def test_name_of_a_schedule_in_code_is_an_error(configure: Any) -> None:
    periodic("@daily", name="Mine", args=["a"])(record)
    (message,) = check_backend(configure(SCHEDULES={"Mine": GOOD}))
    assert message.id == "django_bgtasks.E015"
    assert "'Mine' is that of @periodic above tests.testapp.tasks.record()" in (
        message.msg
    )


def test_name_in_two_backends_is_an_error_of_the_second(
    configure: Any, settings: Any
) -> None:
    configure(SCHEDULES={"Mine": GOOD})
    settings.TASKS = {**settings.TASKS, "second": settings.TASKS["default"]}
    assert check_backend(task_backends["default"]) == []
    (message,) = check_backend(task_backends["second"])
    assert message.id == "django_bgtasks.E015"
    assert "'Mine' is in TASKS['default'] too" in message.msg


def test_backend_whose_schedules_are_no_dict_is_no_obstacle(
    configure: Any, settings: Any
) -> None:
    configure(SCHEDULES={"Mine": GOOD})
    entry = {**settings.TASKS["default"], "OPTIONS": {"SCHEDULES": None}}
    settings.TASKS = {"broken": entry, **settings.TASKS}
    assert check_backend(task_backends["default"]) == []


def test_check_command_and_worker_refuse_a_wrong_schedule(configure: Any) -> None:
    backend = configure(SCHEDULES={"Mine": changed(crontab="* *")})
    with pytest.raises(CommandError, match=r"crontab: .*2 fields"):
        call_command("check")
    (message,) = worker_problems(backend)
    assert message.id == "django_bgtasks.E014"


def test_tasks_that_cannot_be_imported_are_no_business_of_the_check(
    configure: Any,
) -> None:
    backend = configure(SCHEDULES={"Mine": GOOD}, TASK_MODULES=["no.such.module"])
    assert check_backend(backend) == []
