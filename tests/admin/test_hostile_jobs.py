"""A job may hold HTML and script wherever text can stand; no page lets it out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from django_bgtasks.models import Job

from .hostile import EVIL, make_hostile_job
from .jobs import ACT, FAILURES, LIST, page_of, streamed, text_of


@pytest.fixture
def job(db: None) -> UUID:
    return make_hostile_job()


def test_no_page_lets_it_out(boss: Client, job: UUID) -> None:
    pages = [
        text_of(boss.get(address))
        for address in (
            LIST,
            f"{LIST}?state=failures",
            FAILURES,
            page_of(str(job)),
            f"{LIST}{job}/history/",
        )
    ]
    query = boss.get(FAILURES).context["groups"][0][1]
    question = {"action": "retry", "all": "1", "query": query}
    pages.append(text_of(boss.post(ACT, question)))
    pages.append(text_of(boss.get(f"{LIST}?{query}")))
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_filter_is_escaped_where_it_is_shown_again(boss: Client, db: None) -> None:
    evil = '"><script>alert(1)</script>'
    for name in ("q", "queue", "task", "worker", "exception", "schedule", "since"):
        text = text_of(boss.get(LIST, {name: evil}))
        assert "<script>alert" not in text


def test_history_of_what_was_done_to_it_is_escaped(boss: Client, job: UUID) -> None:
    boss.post(ACT, {"action": "retry", "_selected_action": str(job)})
    assert EVIL not in text_of(boss.get(f"{LIST}{job}/history/"))
    assert EVIL not in text_of(boss.get("/admin/"))


def test_download_is_no_page(boss: Client, job: UUID) -> None:
    response: Any = boss.get(f"{LIST}{job}/args.json")
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "attachment" in response["Content-Disposition"]


def test_export_is_no_page(boss: Client, job: UUID) -> None:
    response: Any = boss.get(f"{LIST}export/jobs.json")
    assert response["Content-Type"] == "application/json"
    assert EVIL in streamed(response).encode().decode("unicode_escape")


def test_its_own_page_is_found_by_its_id(boss: Client, job: UUID) -> None:
    assert str(job) in text_of(boss.get(LIST, {"q": str(job)}))
    assert Job.objects.get().pk == job
