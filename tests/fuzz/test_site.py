"""Whatever an address of a job's status holds, the answer is JSON, and no job's."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.test import Client

from django_bgtasks.site import job_token
from tests.testapp.tasks import record

from .cases import cases, tried, unhurried
from .junk import Junk

pytestmark = [pytest.mark.django_db, unhurried]


@pytest.fixture(autouse=True)
def _pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"


def spoilt(junk: Junk, token: str) -> str:
    """Return the token with something changed, or something else altogether."""
    at = junk.randrange(len(token))
    cut, other = token[:at], junk.choice("aZ09-_:.é\0")
    changed = cut + other + token[at + 1 :]
    fields = [junk.text() if junk.random() < 0.3 else each for each in token.split(":")]
    found: str = junk.choice(
        (cut, changed, ":".join(fields), junk.text(), token + other)
    )
    return "" if found == token else found


def test_no_address_without_its_token_leads_to_a_job() -> None:
    client, mine, other = Client(), record.enqueue("mine"), record.enqueue("other")
    for junk in cases("status", 200):
        token = spoilt(junk, job_token(mine, return_value=junk.random() < 0.5))
        token = junk.choice((token, job_token(other)))
        name = junk.choice((mine.id, mine.id, mine.id.upper(), junk.text()))
        page = junk.choice(("status", "events", junk.text()))
        query = {"token": token, "backend": junk.choice(("default", junk.text()))}
        path = f"/tasks/{quote(name, safe='')}/{quote(page, safe='')}/"
        method = junk.choice((client.get, client.get, client.head, client.post))
        with tried(junk):
            junk.says(path, query)
            response: Any = method(
                f"{path}?{urlencode(query)}", headers={"Last-Event-ID": "x" * 40}
            )
            assert response.status_code in (403, 404, 405), response.status_code
            assert mine.id not in response.content.decode()
