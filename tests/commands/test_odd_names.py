"""What no queue or task can be called is refused in words, by every verb."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management.base import CommandError

from django_bgtasks.models import Queue

pytestmark = pytest.mark.django_db

ODD = [
    ("", "is empty."),
    ("m" * 129, f"has 129 characters, and 128 at most: '{'m' * 40}'..."),
]


@pytest.fixture(params=[[], ["default"]], ids=["any queue", "declared queues"])
def queues(request: Any, settings: Any) -> None:
    settings.TASKS = {"default": {**settings.TASKS["default"], "QUEUES": request.param}}


@pytest.mark.usefixtures("queues")
@pytest.mark.parametrize(("name", "message"), ODD)
@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_queue_is_neither_paused_nor_resumed(
    bgtasks: Any, verb: str, name: str, message: str
) -> None:
    with pytest.raises(CommandError) as raised:
        bgtasks(verb, "default", name)
    assert str(raised.value) == f"The name of a queue {message}"
    assert not Queue.objects.exists()


@pytest.mark.usefixtures("queues")
@pytest.mark.parametrize(("name", "message"), ODD)
@pytest.mark.parametrize("verb", ["list", "retry", "cancel"])
def test_no_job_is_looked_for_in_such_a_queue(
    bgtasks: Any, verb: str, name: str, message: str
) -> None:
    with pytest.raises(CommandError) as raised:
        bgtasks(verb, "--queue", name)
    assert str(raised.value) == f"--queue {message}"


@pytest.mark.parametrize(("name", "message"), ODD[:1])
@pytest.mark.parametrize("verb", ["list", "retry", "cancel"])
def test_no_job_is_looked_for_of_such_a_task(
    bgtasks: Any, verb: str, name: str, message: str
) -> None:
    with pytest.raises(CommandError) as raised:
        bgtasks(verb, "--task", name)
    assert str(raised.value) == f"--task {message}"


@pytest.mark.usefixtures("queues")
def test_name_that_just_fits_is_a_name(bgtasks: Any) -> None:
    Queue.objects.create(name="ü" * 128)
    assert "was not paused" in bgtasks("resume", "ü" * 128)


@pytest.mark.parametrize("verb", [["pause"], ["resume"], ["list", "--queue"]])
def test_name_that_no_database_stores_is_refused(bgtasks: Any, verb: Any) -> None:
    with pytest.raises(CommandError, match="is no text in UTF-8"):
        bgtasks(*verb, "mail\x00")
