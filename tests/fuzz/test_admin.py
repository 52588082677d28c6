"""Whatever a browser sends to the admin, no page fails and no refused form writes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from django_bgtasks.admin.job_actions import ACTIONS
from django_bgtasks.models import Job, Queue, Schedule
from django_bgtasks.periodic.validate import problems
from tests.admin.schedules import given

from .cases import cases, tried, unhurried
from .junk import EVIL, Junk
from .scene import Scene, make_scene

pytestmark = [pytest.mark.django_db, unhurried]

ROOT = "/admin/django_bgtasks/"
JOBS = f"{ROOT}job/"
FILTERS = (
    *("q", "state", "queue", "task", "exception", "worker", "schedule", "since"),
    *("until", "before", "period", "back", "o", "p", "all", "e", "_changelist_filters"),
    *("enabled__exact", "kind__exact", "origin__exact", "task_path", "name", "_popup"),
    *("plan__next_run_at__gte", "args__contains", "id__in", "_to_field", "count"),
)


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene()


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def addresses(scene: Scene, junk: Junk) -> str:
    job = junk.choice((*scene.jobs, scene.jobs[0].upper(), junk.text()))
    schedule = junk.choice((str(scene.schedule.pk), "0", junk.text()))
    job, schedule = quote(job, safe=""), quote(schedule, safe="")
    value = quote(junk.choice(("args", "kwargs", "metadata", junk.text())), safe="")
    return ROOT + junk.choice(
        (
            *("", "job/", "job/", "job/", "failure/", "queue/", "queue/overview/"),
            *("process/", "schedule/", "schedule/", "schedule/add/", "queue/purge/"),
            *(f"job/{job}/change/", f"job/{job}/copy/", f"job/{job}/{value}.json"),
            *(f"job/{job}/history/", f"job/{job}/delete/", f"failure/{job}/change/"),
            *(f"job/export/jobs.{junk.choice(('csv', 'json', 'xml'))}",),
            *(f"schedule/{schedule}/{page}/" for page in SCHEDULE_PAGES),
            *(f"queue/{schedule}/change/", f"process/{schedule}/change/"),
        )
    )


SCHEDULE_PAGES = ("change", "history", "ticks", "duplicate", "toggle", "run", "restore")


def sent(junk: Junk, names: tuple[str, ...], most: int = 4) -> dict[str, Any]:
    return {name: junk.text() for name in junk.sample(names, junk.randrange(most))}


def content_of(response: Any) -> str:
    parts = response.streaming_content if response.streaming else [response.content]
    return b"".join(parts).decode()


def looked_at(response: Any) -> None:
    """See that an answer is one, and lets no script out."""
    assert response.status_code < 500, response.status_code
    if response["Content-Type"].startswith("text/html"):
        text = content_of(response)
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_pages(boss: Client, scene: Scene) -> None:
    for junk in cases("pages", 150):
        address = addresses(scene, junk)
        query = urlencode(sent(junk, FILTERS))
        headers = junk.choice(({}, {}, {"X-Bgtasks-Refresh": "1"}))
        with tried(junk), transaction.atomic():
            junk.says(address, query)
            looked_at(boss.get(f"{address}?{query}", headers=headers))
            transaction.set_rollback(True)


ACTION_FIELDS = ("query", "back", "run", "queue_name", "priority", "all", "purge")


def test_buttons(boss: Client, scene: Scene) -> None:
    addresses_ = (
        *("job/act/", "job/act/", "job/act/", "queue/pause/", "queue/resume/"),
        *("queue/purge/", "process/stop/", "schedule/", "failure/", "job/"),
        *(f"schedule/{scene.schedule.pk}/{page}/" for page in SCHEDULE_PAGES),
    )
    for junk in cases("buttons", 150):
        address = ROOT + junk.choice(addresses_)
        values: dict[str, Any] = {
            "action": junk.choice((*ACTIONS, "enable", "delete_selected", junk.text())),
            "_selected_action": junk.choice(
                (scene.jobs[:2], scene.jobs, junk.text(), str(scene.schedule.pk), [])
            ),
            "queue": junk.choice(("mail", junk.text())),
            "process": junk.choice((str(scene.process), junk.text())),
            "enabled": junk.choice(("0", "1", junk.text())),
            **sent(junk, ACTION_FIELDS),
        }
        with tried(junk), transaction.atomic():
            junk.says(address, values)
            answer: Any = boss.post(address, values)
            looked_at(answer)
            if answer.status_code == 200 and (token := in_page(answer)):
                answered = {"run": token, **sent(junk, ACTION_FIELDS[2:5])}
                looked_at(boss.post(address, answered))
            if answer.status_code == 302:
                assert answer["Location"].startswith("/admin/"), answer["Location"]
            assert not Queue.objects.exclude(name__in=("default", "mail", "slow", EVIL))
            transaction.set_rollback(True)


def in_page(response: Any) -> str:
    context = response.context or {}
    return str(context["token"]) if "token" in context else ""


FIELDS = tuple(given())
RIGHT: tuple[dict[str, Any], ...] = (
    {},
    {"kind": "interval", "every": "5m", "crontab": ""},
    {"kind": "clocked", "clocked_at_0": "2031-12-24", "clocked_at_1": "18:00"},
    {"kind": "solar", "solar_event": "sunset", "latitude": "52.5", "longitude": "13"},
)
PLAUSIBLE = ("0001-01-01", "9999-12-31", "00:00:00", "23:59:59.999999", "[1, 2]", "1d")


def junk_form(junk: Junk) -> dict[str, Any]:
    names = junk.sample(FIELDS, junk.randrange(1, 4))
    found = given(**junk.choice(RIGHT))
    for name in names:
        found[name] = junk.choice((junk.text(), junk.text(), junk.choice(PLAUSIBLE)))
        if name == "crontab":
            found[name] = junk.crontab()
    return found


def test_schedule_form(boss: Client, scene: Scene) -> None:
    add = f"{ROOT}schedule/add/"
    change = f"{ROOT}schedule/{scene.schedule.pk}/change/"
    preview = f"{ROOT}schedule/preview/"
    written = 0
    for junk in cases("schedule form", 120):
        values, address = junk_form(junk), junk.choice((add, change, preview))
        with tried(junk), transaction.atomic():
            junk.says(address, values)
            before = list(Schedule.objects.order_by("pk").values())
            answer: Any = boss.post(address, values)
            looked_at(answer)
            if answer.status_code == 302:
                written += 1
                made: Any = Schedule.objects.order_by("pk").last()
                assert problems(made) == {}
                looked_at(boss.get(f"{ROOT}schedule/{made.pk}/change/"))
                looked_at(boss.get(f"{ROOT}schedule/"))
            else:
                assert list(Schedule.objects.order_by("pk").values()) == before
            transaction.set_rollback(True)
    assert written


def test_copy_form(boss: Client, scene: Scene) -> None:
    for junk in cases("copy form", 60):
        job = junk.choice(scene.jobs)
        values = {
            "args": junk.choice(('["a"]', "[]", junk.text())),
            "kwargs": junk.choice(("{}", "", junk.text())),
            "queue_name": junk.choice(("default", junk.text())),
            "priority": junk.choice(("0", junk.text())),
            "delay": junk.choice(("", "5", "1e300", junk.text())),
        }
        with tried(junk), transaction.atomic():
            junk.says(job, values)
            before = Job.objects.count()
            answer: Any = boss.post(f"{JOBS}{job}/copy/", values)
            looked_at(answer)
            if answer.status_code == 200:
                assert Job.objects.count() == before
            transaction.set_rollback(True)
