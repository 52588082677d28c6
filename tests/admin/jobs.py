"""What tests of the jobs' pages have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib.messages import get_messages
from django.test import Client

LIST = "/admin/django_bgtasks/job/"
FAILURES = "/admin/django_bgtasks/failure/"
ACT = f"{LIST}act/"


def page_of(job: Any) -> str:
    return f"{LIST}{getattr(job, 'id', job)}/change/"


def text_of(response: Any) -> str:
    assert response.status_code == 200, (response.status_code, response.headers)
    return str(response.content.decode())


def listed(client: Client, **terms: Any) -> list[str]:
    """Return the ids of the jobs on the page that these terms lead to."""
    text = text_of(client.get(f"{LIST}?{urlencode(terms)}"))
    return re.findall(r'name="_selected_action" value="([0-9a-f-]+)"', text)


def ids_of(*jobs: Any) -> list[str]:
    return [job.id for job in jobs]


def said(response: Any) -> list[str]:
    """Return what a response tells the user on the page that it leads to."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def token_of(response: Any) -> str:
    found = re.search(r'name="run" value="([^"]+)"', text_of(response))
    assert found, "The page does not ask."
    return found[1]


def act(client: Client, action: str, *jobs: Any, **more: Any) -> Any:
    """Choose an action for jobs, and return the answer."""
    ids = [getattr(job, "id", job) for job in jobs]
    return client.post(ACT, {"action": action, "_selected_action": ids, **more})


def confirm(client: Client, response: Any, **more: Any) -> Any:
    """Say yes, and go on until there is nothing left to do; return the last answer."""
    response = client.post(ACT, {"run": token_of(response), **more})
    for _ in range(20):
        if response.status_code == 302:
            return response
        response = client.post(ACT, {"run": token_of(response)})
    raise AssertionError("It does not end.")


def streamed(response: Any) -> str:
    assert response.status_code == 200
    parts: Iterator[bytes] = response.streaming_content
    return b"".join(parts).decode()
