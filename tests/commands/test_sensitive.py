"""What is sensitive is hidden by the commands as well; what is kept is shown."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from django_bgtasks import task
from django_bgtasks.sensitive import HIDDEN
from tests.inline import InlineWorker

from .conftest import Run


@task(sensitive=("password",), capture_logs=True)
def log_in(name: str, password: str) -> dict[str, str]:
    logging.getLogger("tests.project").warning("%s with %s", name, password)
    if name == "eve":
        raise PermissionError(f"{password} is wrong")
    return {"name": name, "password": password}


@task
def spawn() -> None:
    log_in.enqueue("child", "hunter2")


@pytest.mark.parametrize("name", ["ada", "eve"])
@pytest.mark.parametrize("kwargs", [{}, {"password": "hunter2"}])
def test_show_hides_it(
    bgtasks: Run, bgtasks_json: Callable[..., Any], name: str, kwargs: Any
) -> None:
    worker = InlineWorker()
    rest = () if kwargs else ("hunter2",)
    job = worker.run_result(log_in.enqueue(name, *rest, **kwargs))
    text = bgtasks("show", job.id)
    assert "hunter2" not in text
    assert HIDDEN in text
    assert f"{name} with {HIDDEN}" in text
    found = bgtasks_json("show", job.id)
    assert "hunter2" not in str(found)
    assert found["args"][0] == name


def test_show_names_the_parent(bgtasks: Run, bgtasks_json: Callable[..., Any]) -> None:
    worker = InlineWorker()
    parent = worker.run_result(spawn.enqueue())
    (child,) = bgtasks_json("list", "--state", "ready")
    assert parent.id in bgtasks("show", child["id"])
    assert "hunter2" not in str(bgtasks_json("list"))
