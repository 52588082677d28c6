"""What the tests of the schedules' pages share."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

RECORD = "tests.testapp.tasks.record"


def address(page: str, schedule: Any = None) -> str:
    arguments = [schedule.pk] if schedule is not None else []
    return reverse(f"admin:django_bgtasks_schedule_{page}", args=arguments)


def given(**values: Any) -> dict[str, Any]:
    """Return what a browser sends for a new schedule, with other values."""
    filled = {
        "name": "mine",
        "description": "",
        "enabled": "on",
        "kind": "crontab",
        "crontab": "30 7 * * mon-fri",
        "timezone": "Europe/Berlin",
        "every": "",
        "anchor_at_0": "",
        "anchor_at_1": "",
        "clocked_at_0": "",
        "clocked_at_1": "",
        "solar_event": "",
        "latitude": "",
        "longitude": "",
        "start_at_0": "",
        "start_at_1": "",
        "end_at_0": "",
        "end_at_1": "",
        "task_path": RECORD,
        "args": '["key"]',
        "kwargs": "",
        "metadata": "",
        "backend": "default",
        "queue_name": "",
        "priority": "",
        "expires": "",
        "jitter": "",
        "missed": "run_once",
        "grace": "",
        "overlap": "allow",
    }
    unknown = set(values) - set(filled)
    assert not unknown, unknown
    filled.update(values)
    # A box that is not ticked is not sent.
    return {name: value for name, value in filled.items() if value is not None}


def errors(response: Any) -> dict[str, str]:
    """Return what the form says is wrong, by field."""
    assert response.status_code == 200, response
    form = response.context["adminform"].form
    return {name: " ".join(each) for name, each in form.errors.items()}


def shown(response: Any) -> str:
    """Return a page as text, its tags left out."""
    assert response.status_code == 200, response
    text = re.sub(
        r"<(script|style).*?</\1>", " ", response.content.decode(), flags=re.DOTALL
    )
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


def said(response: Any) -> str:
    """Return the messages of a page that was led to."""
    return unescape(" ".join(str(each) for each in response.context["messages"]))


def logged() -> list[str]:
    """Return the entries of the admin's log, first to last."""
    rows = LogEntry.objects.order_by("pk")
    return [f"{each.object_repr}: {each.get_change_message()}" for each in rows]


def fields_of(client: Client, url: str) -> dict[str, Any]:
    """Return what a browser would send back from a form, unchanged."""
    page = client.get(url)
    assert page.status_code == 200
    form = page.context["adminform"].form
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        widget = bound.field.widget
        if hasattr(widget, "decompress"):
            for number, part in enumerate(widget.decompress(value)):
                sent[f"{bound.name}_{number}"] = "" if part is None else str(part)
        elif value is True:
            sent[bound.name] = "on"
        elif value is not None and value is not False:
            sent[bound.name] = str(value)
    return sent
