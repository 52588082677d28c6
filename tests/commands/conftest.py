from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from django_bgtasks.lifecycle import claim
from django_bgtasks.models import Process
from django_bgtasks.upkeep import presence
from django_bgtasks.vendors import vendor_of

Run = Callable[..., str]


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def bgtasks(db: None) -> Run:
    """Run a verb of the command, and return what it wrote."""

    def run(*arguments: Any, stderr: Any = None) -> str:
        out = StringIO()
        command = map(str, arguments)
        call_command("bgtasks", *command, stdout=out, stderr=stderr or StringIO())
        return out.getvalue()

    return run


@pytest.fixture
def bgtasks_json(bgtasks: Run) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        return json.loads(bgtasks(*arguments, "--format", "json"))

    return run


@pytest.fixture
def claim_job(db: None) -> Callable[[], Any]:
    """Claim the next job for a process that has a row."""

    def run() -> Any:
        vendor = vendor_of(connection)
        process = Process.objects.filter(name="worker-1").first()
        if process is None:
            arrival = presence.Arrival(
                kind="worker", name="worker-1", pid=7, queues=["default"], capacity=4
            )
            owner = presence.arrive(vendor, arrival)
        else:
            owner = process.pk
        job = claim.claim_one(vendor, owner)
        assert job is not None
        return job

    return run


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Answer the questions of a command; returns the list of what it asks."""

    def give(text: str) -> list[str]:
        asked: list[str] = []

        def reply(prompt: str) -> str:
            asked.append(prompt)
            return text

        monkeypatch.setattr("builtins.input", reply)
        return asked

    return give
