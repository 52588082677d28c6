"""The overview, the queues and the workers, in a browser."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from django_bgtasks.models import (
    FinishedJob,
    Plan,
    Process,
    Queue,
    RunningJob,
    Schedule,
)
from django_bgtasks.results import public
from tests.admin import queue_scene as scene
from tests.waiting import eventually

from .visit import Visit

INDEX = "/admin/django_bgtasks/"
OVERVIEW = "/admin/django_bgtasks/queue/overview/"
QUEUES = "/admin/django_bgtasks/queue/"
WORKERS = "/admin/django_bgtasks/process/"


@pytest.fixture
def busy(transactional_db: None) -> None:
    """A shop on a working day: mail is sent, one queue is stuck, one is paused."""
    dice = random.Random(7)
    host = {"host": "shop-1", "version": "0.1.0"}
    head = scene.process("shop-1-210-a3f1", kind="supervisor", **host)
    workers = [
        scene.process(f"{head.name}.{number}", parent_id=head.pk, **host)
        for number in (1, 2)
    ]
    scene.process("shop-2-77-0c9e.1", silent=timedelta(minutes=3), host="shop-2")
    scene.process("shop-1-300-77aa", kind="beat", **host)
    for worker, task, seconds in (
        (workers[0], "shop.reports.monthly_report", 754),
        (workers[0], "shop.mail.send_welcome_email", 2),
        (workers[1], "shop.images.resize", 31),
    ):
        scene.running(worker, task, timedelta(seconds=seconds))
    scene.ready(132, "mail", waited=timedelta(seconds=48))
    scene.ready(8, "slow", waited=timedelta(hours=3))
    scene.deferred(14, "mail")
    Queue.objects.create(name="slow", paused_at=public(scene.now()))
    for minute in range(60):
        number = dice.randint(300, 420)
        trouble = minute in (14, 15, 16)
        scene.figures(
            timedelta(minutes=minute),
            "mail",
            succeeded=number,
            retried=dice.randint(0, 20),
            failed=90 if trouble else dice.randint(0, 2),
            wait_sum=number * (4.0 if trouble else dice.uniform(0.1, 0.6)),
            wait_max=9.0 if trouble else 2.0,
            run_sum=number * 0.2,
        )
        scene.figures(timedelta(minutes=minute), "default", succeeded=40, run_sum=9.0)
    for name, minutes in (("hourly report", 12), ("clear sessions", 65)):
        plan = Schedule.objects.create(
            name=name,
            task_path=f"shop.tasks.{name.replace(' ', '_')}",
            crontab="@daily",
        )
        due = scene.now() + timedelta(minutes=minutes)
        Plan.objects.create(schedule=plan, next_run_at=public(due))


def chart_is_drawn(visit: Visit) -> None:
    visit.find("[data-bgtasks-chart-of] svg")
    bars = "return document.querySelectorAll('rect.bgtasks-succeeded').length"
    # A minute may have begun since the rows were made.
    assert visit.script(bars) in (59, 60)


def test_overview_shows_all_at_a_glance(as_admin: Visit, busy: None) -> None:
    as_admin.open(INDEX)
    chart_is_drawn(as_admin)
    for selector, words in (
        ("#bgtasks-queues-table", ("mail", "132", "3 h 0 min", "Paused")),
        ("#bgtasks-workers-table", ("shop-1-210-a3f1.1", "Dead", "Beat", "123.0")),
        ("#bgtasks-running-table", ("shop.reports.monthly_report", "12 min 3")),
        ("#bgtasks-due-table", ("hourly report", "1 h ")),
    ):
        shown = as_admin.text(selector)
        for word in words:
            assert word in shown
    as_admin.resize(1280, 1800)
    as_admin.screenshot("overview")
    as_admin.emulate(dark=True)
    as_admin.open(INDEX)
    chart_is_drawn(as_admin)
    as_admin.screenshot("overview-dark")


def test_chart_is_read_as_a_table_too(as_admin: Visit, busy: None) -> None:
    as_admin.open(OVERVIEW)
    picture = as_admin.find("[data-bgtasks-chart-of] svg")
    assert picture.get_attribute("role") == "img"
    assert "Succeeded:" in as_admin.script(
        "return arguments[0].getAttribute('aria-labelledby').split(' ')"
        ".map((id) => document.getElementById(id).textContent).join(' ')",
        picture,
    )
    assert as_admin.all("#bgtasks-points-details[open]") == []
    as_admin.click("#bgtasks-points-details summary")
    assert "mean wait" in as_admin.text("#bgtasks-points").lower()


def test_it_refreshes_itself_without_a_reload(as_admin: Visit, busy: None) -> None:
    as_admin.open(OVERVIEW)
    as_admin.click("#bgtasks-points-details summary")
    as_admin.script("document.getElementById('bgtasks-pause-2').focus()")
    as_admin.script("window.stays = true")
    scene.ready(1, "newcomer")
    as_admin.script(REFRESH)
    as_admin.wait_for_text("#bgtasks-queues-table", "newcomer")
    assert as_admin.script("return window.stays")
    assert as_admin.script("return document.activeElement.id") == "bgtasks-pause-2"
    assert as_admin.all("#bgtasks-points-details[open]") != []
    chart_is_drawn(as_admin)


# What the browser does when the tab is seen again: it is refreshed at once.
REFRESH = "document.dispatchEvent(new Event('visibilitychange'))"
HIDE = (
    "Object.defineProperty(document, 'hidden', {value: arguments[0], writable: true})"
)


def count_fetches(visit: Visit) -> None:
    """Count the requests of the page from now on, in window.fetches."""
    visit.script(
        "const fetch = window.fetch; window.fetches = 0; window.fetch = (...given) => "
        "{ window.fetches += 1; return fetch(...given) };"
        "const timeout = window.setTimeout; window.timers = 0; window.setTimeout = "
        "(...given) => { window.timers += 1; return timeout(...given) }"
    )


def test_hidden_tab_asks_for_nothing(as_admin: Visit, busy: None) -> None:
    as_admin.open(OVERVIEW)
    chart_is_drawn(as_admin)
    count_fetches(as_admin)
    as_admin.script(HIDE, True)
    as_admin.script(REFRESH)
    assert as_admin.script("return [window.fetches, window.timers]") == [0, 0]
    as_admin.script("document.hidden = false")
    as_admin.script(REFRESH)
    eventually(lambda: as_admin.script("return window.timers") == 1, "the next timer")
    assert as_admin.script("return window.fetches") == 1


def test_refreshing_can_be_paused(as_admin: Visit, busy: None) -> None:
    as_admin.open(OVERVIEW)
    chart_is_drawn(as_admin)
    count_fetches(as_admin)
    as_admin.click("[data-bgtasks-toggle]")
    assert as_admin.find("[data-bgtasks-toggle]").get_attribute("aria-pressed") == (
        "true"
    )
    as_admin.script(REFRESH)
    assert as_admin.script("return window.fetches") == 0
    as_admin.click("[data-bgtasks-toggle]")
    eventually(lambda: as_admin.script("return window.fetches") == 1, "a refresh")


def test_who_is_signed_out_is_told(as_admin: Visit, busy: None) -> None:
    as_admin.open(OVERVIEW)
    chart_is_drawn(as_admin)
    as_admin.driver.delete_all_cookies()
    as_admin.script(REFRESH)
    as_admin.wait_for_text("[data-bgtasks-state]", "You are signed out")


def test_queue_is_paused_and_resumed_from_the_overview(
    as_admin: Visit, busy: None
) -> None:
    as_admin.open(INDEX)
    as_admin.leave_by("[aria-label='Pause queue mail']")
    assert "“mail” is paused" in as_admin.text(".messagelist")
    assert Queue.objects.get(name="mail").paused_at is not None
    as_admin.leave_by("[aria-label='Resume queue mail']")
    assert Queue.objects.get(name="mail").paused_at is None
    assert as_admin.driver.current_url.endswith(INDEX)


def test_queue_is_purged(as_admin: Visit, busy: None) -> None:
    as_admin.open(QUEUES)
    as_admin.screenshot("queues")
    as_admin.leave_by("[aria-label='Purge queue mail']")
    assert "146 jobs wait in queue “mail”" in as_admin.text("#content")
    as_admin.screenshot("purge")
    as_admin.leave_by("input[type=submit].bgtasks-delete")
    assert "146 waiting jobs were cancelled" in as_admin.text(".messagelist")
    assert FinishedJob.objects.filter(outcome="cancelled").count() == 146


def test_long_purge_goes_on_by_itself(
    as_admin: Visit, busy: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("django_bgtasks.admin.purge.SECONDS", -1.0)
    monkeypatch.setattr("django_bgtasks.overview.jobs.batches.__defaults__", (50, None))
    as_admin.open(f"{QUEUES}purge/?queue=mail")
    as_admin.click("input[type=submit].bgtasks-delete")
    as_admin.wait_for_text(".messagelist", "146 waiting jobs were cancelled")


def test_worker_is_asked_to_stop(as_admin: Visit, busy: None) -> None:
    worker = Process.objects.get(name="shop-1-210-a3f1.1")
    as_admin.open(WORKERS)
    assert "shop.reports.monthly_report" in as_admin.text(f"#bgtasks-runs-{worker.pk}")
    as_admin.resize(1280, 1400)
    as_admin.screenshot("workers")
    as_admin.click(f"#bgtasks-stop-{worker.pk} summary")
    as_admin.leave_by(f"#bgtasks-stop-button-{worker.pk}")
    assert "is asked to stop" in as_admin.text(".messagelist")
    assert "Stopping" in as_admin.text(f"#bgtasks-process-{worker.pk}")
    worker.refresh_from_db()
    assert worker.stop_requested


@pytest.mark.parametrize("address", [INDEX, OVERVIEW, QUEUES, WORKERS])
def test_page_fits_a_phone(as_admin: Visit, busy: None, address: str) -> None:
    as_admin.phone()
    as_admin.open(address)
    as_admin.find("[data-bgtasks-toggle]")
    assert not as_admin.is_wider_than_the_screen()
    if address == INDEX:
        as_admin.screenshot("overview-phone")


def test_it_is_used_by_the_keyboard(as_admin: Visit, busy: None) -> None:
    as_admin.open(QUEUES)
    as_admin.script("document.querySelector('[data-bgtasks-toggle]').focus()")
    reached = []
    for _ in range(12):
        as_admin.press("TAB")
        reached.append(
            as_admin.script(
                "const each = document.activeElement;"
                "return each.getAttribute('aria-label') || each.textContent.trim()"
            )
        )
    assert "Pause queue mail" in reached
    assert "Purge queue mail" in reached
    place = reached.index("Pause queue mail")
    as_admin.script("document.querySelector('[data-bgtasks-toggle]').focus()")
    for _ in range(place + 1):
        as_admin.press("TAB")
    as_admin.press("ENTER")
    as_admin.wait_for_text(".messagelist", "“mail” is paused")
    assert RunningJob.objects.count() == 3
