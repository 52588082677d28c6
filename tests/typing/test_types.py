"""A wrong argument of a task is an error of the type checker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = [pytest.mark.once, pytest.mark.slow]
pytest.importorskip("mypy", reason="mypy is not installed")
pytest.importorskip("mypy_django_plugin", reason="django-stubs is not installed")

PROJECT = Path(__file__).parents[2]
DECLARED = """
    from datetime import timedelta

    from django_bgtasks import BgTaskContext, exponential, task


    @task
    def bare(user_id: int) -> str:
        return str(user_id)


    @task(queue_name="mail", max_attempts=5, backoff=exponential(5), timeout=30)
    def with_options(user_id: int, *, greeting: str = "Hello") -> None: ...


    @task(takes_context=True)
    def with_context(context: BgTaskContext, user_id: int) -> float:
        return context.attempt / 2


    @task(atomic=False)
    async def asynchronous(user_id: int) -> int:
        return user_id


    async def call_async() -> None:
        await asynchronous.aenqueue(1)
        await bare.using(priority=5).aenqueue(2)
"""


def errors_of(tmp_path: Path, code: str) -> list[str]:
    """Check ``code`` after the declarations; return the codes of the errors in it."""
    declared = dedent(DECLARED)
    module = tmp_path / "declared_tasks.py"
    module.write_text(declared + dedent(code))
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            str(PROJECT / "pyproject.toml"),
            "--cache-dir",
            str(PROJECT / ".mypy_cache"),
            "--disallow-any-generics",
            str(module),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    found = re.findall(
        r"declared_tasks\.py:(\d+): error: .*\[([\w-]+)\]", result.stdout
    )
    first = declared.count("\n")
    assert all(int(line) > first for line, _ in found), result.stdout
    return [code for _, code in found]


def test_right_calls_are_accepted(tmp_path: Path) -> None:
    code = """
        bare.enqueue(1)
        with_options.enqueue(1, greeting="Hi")
        with_context.enqueue(1)
        with_options.using(run_after=timedelta(minutes=5)).enqueue(1)
        result = bare.enqueue(1)
        result.cancel()
        result.wait(timeout=5)
        found = bare.get_result(result.id)
        found.metadata["note"] = 1
        bare.enqueue_many([((1,), {}), ((2,), {})])
    """
    assert errors_of(tmp_path, code) == []


def test_wrong_calls_are_errors(tmp_path: Path) -> None:
    code = """
        bare.enqueue("one")
        bare.enqueue()
        with_options.enqueue(1, salute="Hi")
        with_context.enqueue("one")
        with_context.using(priority=1).enqueue(1, 2)
        asynchronous.enqueue(None)
    """
    assert errors_of(tmp_path, code) == [
        "arg-type",
        "call-arg",
        "call-arg",
        "arg-type",
        "call-arg",
        "arg-type",
    ]


def test_schedule_leaves_the_type_of_its_task(tmp_path: Path) -> None:
    code = """
        import django_bgtasks.periodic.crontab
        from django_bgtasks import BgTask, periodic


        @periodic("0 18 * * mon-fri", timezone="Europe/Berlin", missed="skip")
        @periodic(every=timedelta(minutes=5), name="often", args=[1], jitter="5s")
        @periodic(solar="sunset", latitude=52.5, longitude=13, name="evening")
        @task(queue_name="mail")
        def report(user_id: int) -> str:
            return str(user_id)


        same: BgTask[[int], str] = report
        text: str | None = report.enqueue(1).return_value
        periodic("@daily")(with_context)
        report.enqueue("one")
    """
    assert errors_of(tmp_path, code) == ["arg-type"]


def test_wrong_schedules_are_errors(tmp_path: Path) -> None:
    code = """
        from django_bgtasks import periodic

        periodic()
        periodic("@daily", every=5)
        periodic(at="noon")
        periodic(solar="sunset", latitude=52.5)
        periodic("@daily", missed="never")
        periodic("@daily")(len)
    """
    assert errors_of(tmp_path, code) == [*["call-overload"] * 5, "type-var"]


def test_wrong_options_are_errors(tmp_path: Path) -> None:
    code = """
        @task(max_attempt=5)
        def misspelt() -> None: ...


        @task(timeout="soon")
        def mistyped() -> None: ...
    """
    assert {"call-overload"} <= set(errors_of(tmp_path, code))
