"""The page of queues: pause, resume, purge."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils.html import escape

from django_bgtasks.admin import purge
from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Queue,
    ReadyJob,
    RunningJob,
)

from . import queue_scene as scene
from .queue_scene import page, text

LIST = "/admin/django_bgtasks/queue/"
VIEWER = ("view_queue",)


def entries() -> list[tuple[str, str, str]]:
    rows = LogEntry.objects.order_by("pk").select_related("user")
    return [
        (row.user.get_username(), str(row.object_id), row.get_change_message())
        for row in rows
    ]


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def press(client: Client, name: str, **values: str):
    return client.post(page(f"queue_{name}"), values, follow=True)


def test_pause_and_resume(boss):
    response = press(boss, "pause", queue="mail")
    assert response.redirect_chain == [(LIST, 302)]
    assert "“mail” is paused" in said(response)
    assert Queue.objects.get().paused_at is not None
    assert "Paused" in response.content.decode()
    response = press(boss, "resume", queue="mail")
    assert "“mail” is resumed" in said(response)
    assert Queue.objects.get().paused_at is None
    assert entries() == [("boss", "mail", "Paused."), ("boss", "mail", "Resumed.")]


def test_resume_after_somebody_else_did_is_no_deed(boss):
    assert "was not paused" in said(press(boss, "resume", queue="mail"))
    assert entries() == []


@pytest.mark.parametrize("name", ["", "nosuch", "x" * 5000, "\x00", "<b>"])
@pytest.mark.parametrize("deed", ["pause", "resume"])
def test_queue_that_is_none_is_refused_in_words(boss, name, deed):
    response = press(boss, deed, queue=name)
    assert "There is no queue" in said(response)
    assert not Queue.objects.exists()
    assert "<b>" not in response.content.decode()


def test_queue_may_have_any_name(boss):
    name = "a/b?c=d&e#f 100% “x”"
    scene.ready(2, name)
    press(boss, "pause", queue=name)
    assert Queue.objects.get().name == name
    content = text(boss, LIST)
    assert escape(name) in content
    response = boss.get(page("queue_purge"), {"queue": name})
    assert f"2 jobs wait in queue “{escape(name)}”" in response.content.decode()


@pytest.mark.parametrize(
    ("back", "address"),
    [
        ("overview", "/admin/django_bgtasks/queue/overview/"),
        ("index", "/admin/django_bgtasks/"),
        ("queues", LIST),
        ("//evil.example/", LIST),
        ("", LIST),
    ],
)
def test_button_leads_back_to_its_page(boss, back, address):
    response = press(boss, "pause", queue="mail", back=back)
    assert response.redirect_chain == [(address, 302)]


def token(client: Client, queue: str = "mail") -> str:
    """The confirmation that the page of a purge holds."""
    response = client.get(page("queue_purge"), {"queue": queue})
    assert response.status_code == 200
    return response.context["token"]


def test_purge_asks_first_and_says_how_many(boss):
    scene.ready(3, "mail")
    scene.deferred(2, "mail")
    content = text(boss, f"{page('queue_purge')}?queue=mail")
    assert "5 jobs wait in queue “mail”. They will end as cancelled." in content
    assert ReadyJob.objects.count() == 3
    assert entries() == []


def test_purge_cancels_what_waits_and_nothing_else(boss):
    scene.ready(3, "mail")
    scene.deferred(2, "mail")
    scene.ready(1, "other")
    scene.running(scene.process(), queue="mail")
    confirmation = token(boss)
    scene.ready(1, "mail")
    response = press(boss, "purge", purge=confirmation)
    assert response.redirect_chain == [(LIST, 302)]
    assert "5 waiting jobs were cancelled" in said(response)
    assert FinishedJob.objects.filter(outcome="cancelled").count() == 5
    assert ReadyJob.objects.count() == 2, "the other queue's and the one that came late"
    assert DeferredJob.objects.count() == 0
    assert RunningJob.objects.count() == 1
    assert entries() == [
        ("boss", "mail", "Purge begun; jobs waiting: 5."),
        ("boss", "mail", "Purged; jobs cancelled: 5."),
    ]


def test_long_purge_goes_on_in_further_requests(boss, monkeypatch):
    monkeypatch.setattr(purge, "SECONDS", -1.0)
    monkeypatch.setattr("django_bgtasks.overview.jobs.BATCH", 2)
    monkeypatch.setattr("django_bgtasks.overview.jobs.batches.__defaults__", (2, None))
    scene.ready(5, "mail")
    given, told = token(boss), []
    while given:
        response = boss.post(page("queue_purge"), {"purge": given})
        given = ""
        if response.status_code == 200:
            given = response.context["token"]
            content = response.content.decode()
            told.append(response.context["purge"].done)
            assert "data-bgtasks-go-on" in content
            assert f"{told[-1]} of 5 jobs are cancelled" in content
    assert told == [2, 4, 5]
    assert ReadyJob.objects.count() == 0
    assert [entry[2] for entry in entries()] == [
        "Purge begun; jobs waiting: 5.",
        "Purged; jobs cancelled: 5.",
    ]


def test_nothing_to_purge_is_said(boss):
    response = boss.get(page("queue_purge"), {"queue": "mail"}, follow=True)
    assert "No job waits in queue “mail”" in said(response)
    response = boss.get(page("queue_purge"), {"queue": "nosuch"}, follow=True)
    assert "There is no queue “nosuch”" in said(response)


@pytest.mark.parametrize("given", ["", "junk", "a:b:c", "\x00" * 10])
def test_forged_confirmation_is_refused_in_words(boss, given):
    scene.ready(1, "mail")
    response = press(boss, "purge", purge=given)
    assert "This confirmation has expired" in said(response)
    assert ReadyJob.objects.count() == 1


def test_old_confirmation_is_refused(boss, monkeypatch):
    scene.ready(1, "mail")
    given = token(boss)
    monkeypatch.setattr(purge, "_SECONDS_TO_CONFIRM", -1)
    assert "has expired" in said(press(boss, "purge", purge=given))
    assert ReadyJob.objects.count() == 1


def test_two_who_purge_at_once_do_no_harm(boss):
    scene.ready(2, "mail")
    first, second = token(boss), token(boss)
    press(boss, "purge", purge=first)
    assert "0 waiting jobs were cancelled" in said(press(boss, "purge", purge=second))


@pytest.mark.parametrize("deed", ["pause", "resume", "purge"])
def test_deed_needs_its_own_permission(staff, boss, deed):
    scene.ready(1, "mail")
    own = "purge_queue" if deed == "purge" else "pause_queue"
    other = "pause_queue" if deed == "purge" else "purge_queue"
    given = {"queue": "mail", "purge": token(boss)}
    address = page(f"queue_{deed}")
    for codenames in (VIEWER, (*VIEWER, other)):
        assert staff(*codenames).post(address, given).status_code == 403
    assert staff(*VIEWER, own).post(address, given).status_code == 302


@pytest.mark.parametrize("deed", ["pause", "resume", "purge"])
def test_deed_needs_a_post_with_its_csrf_token(boss, staff, deed):
    address = page(f"queue_{deed}")
    if deed != "purge":
        assert boss.get(address, {"queue": "mail"}).status_code == 405
    strict = staff(*VIEWER, "pause_queue", "purge_queue", enforce_csrf_checks=True)
    assert strict.post(address, {"queue": "mail"}).status_code == 403
    assert entries() == []


def test_buttons_follow_permissions(staff):
    scene.ready(1, "mail")
    plain = text(staff(*VIEWER), LIST)
    assert "Pause queue mail" not in plain
    assert "Purge queue mail" not in plain
    assert "Pause queue mail" in text(staff(*VIEWER, "pause_queue"), LIST)
    content = text(staff(*VIEWER, "purge_queue"), LIST)
    assert "Purge queue mail" in content
    assert "Purge queue slow" not in content, "nothing waits there"


def test_list_needs_the_permission_to_view(staff):
    assert staff("view_process").get(LIST).status_code == 403


def test_log_of_a_queue_leads_to_the_list(boss):
    press(boss, "pause", queue="mail")
    (entry,) = LogEntry.objects.all()
    response = boss.get(f"/admin/{entry.get_admin_url().removeprefix('/admin/')}")
    assert response.headers["Location"] == LIST


def test_age_is_of_the_oldest_over_all_priorities(boss):
    scene.ready(1, "mail", waited=timedelta(seconds=30), rank=-9)
    scene.ready(1, "mail", waited=timedelta(days=3, hours=2), rank=9)
    assert "3 d 2 h" in text(boss, LIST)
