"""What the pages of the example promise."""

from __future__ import annotations

import re
import signal
from html import unescape
from typing import Any

import psutil
import pytest

from tests.site.event_source import EventSource
from tests.waiting import eventually

from .conftest import STAFF, RunExample, Site, address, sign_up, wait_for_job
from .visitor import Visitor


def test_sign_up_leads_to_an_email_whose_link_opens_the_door(
    site: Site, visitor: Visitor, start_worker: RunExample
) -> None:
    email = address()
    page = sign_up(visitor, email)
    assert "An e-mail is on its way" in page.words
    assert visitor.status(page.job_id)["state"] == "waiting"
    assert site.mails_to(email) == []

    start_worker("--burst").wait()

    (mail,) = site.mails_to(email)
    text = mail.get_content()
    assert "Dear Grace Hopper" in text
    assert visitor.status(page.job_id)["state"] == "succeeded"
    (link,) = re.findall(rf"{site.url}/accounts/reset/\S+", text)
    password = "tortoise-lantern-9"
    done = visitor.submit(link, new_password1=password, new_password2=password)
    assert done.url.endswith("/reset/done/")
    visitor.log_in(email, password)
    points = visitor.get("/points/").words
    assert "100 points" in points
    assert points.count("Welcome") == 1


@pytest.mark.parametrize(
    ("name", "email", "complaint"),
    [
        ("", "x@example.com", "This field is required"),
        ("Grace", "no address", "Enter a valid email address"),
        ("Grace", f"{'x' * 140}@example.com", "at most 150 characters"),
        ("Grace\0", "x@example.com", "Null characters are not allowed"),
    ],
)
def test_sign_up_that_is_refused_enqueues_nothing(
    visitor: Visitor, name: str, email: str, complaint: str
) -> None:
    page = visitor.submit("/sign-up/", name=name, email=email)
    assert complaint in page.words
    assert "What you asked for" not in visitor.get("/").words


def test_address_is_taken_once(site: Site, visitor: Visitor) -> None:
    email = address()
    sign_up(visitor, email)
    other = site.visitor()
    page = sign_up(other, email.upper())
    assert "signed up with this address already" in page.words
    assert "What you asked for" not in other.get("/").words


@pytest.mark.parametrize("path", ["", "status/"])
def test_job_is_shown_to_nobody_else(site: Site, visitor: Visitor, path: str) -> None:
    job = visitor.submit("/rates/", at="/").job_id
    assert visitor.get(f"/jobs/{job}/{path}").status == 200
    assert site.visitor().get(f"/jobs/{job}/{path}").status == 404


@pytest.mark.parametrize("verb", ["cancel", "again"])
def test_job_is_changed_by_nobody_else(site: Site, visitor: Visitor, verb: str) -> None:
    job = visitor.submit("/rates/", at="/").job_id
    assert site.visitor().submit(f"/jobs/{job}/{verb}/", at="/").status == 404
    assert visitor.status(job)["state"] != "cancelled"


def test_waiting_job_can_be_cancelled_and_run_again(
    visitor: Visitor, start_worker: RunExample
) -> None:
    job = visitor.submit("/rates/", at="/").job_id
    visitor.submit(f"/jobs/{job}/cancel/", at="/")
    assert visitor.status(job)["state"] == "cancelled"
    page = visitor.submit(f"/jobs/{job}/again/", at="/")
    assert page.job_id == job
    start_worker()
    assert wait_for_job(visitor, job)["state"] == "succeeded"
    page = visitor.submit(f"/jobs/{job}/cancel/", at="/")
    assert "It had finished already" in page.words


def test_service_that_is_down_twice_is_asked_three_times(
    visitor: Visitor, start_worker: RunExample
) -> None:
    start_worker()
    job = visitor.submit("/rates/", at="/").job_id
    assert wait_for_job(visitor, job)["attempts"] == [
        "ConnectionError: No answer to question 1.",
        "ConnectionError: No answer to question 2.",
        "succeeded",
    ]
    assert "EUR 1.0" in visitor.get(f"/jobs/{job}/").words


def test_report_tells_how_far_it_is_and_ends_as_a_table(
    visitor: Visitor, start_worker: RunExample
) -> None:
    start_worker("--queues", "reports")
    job = visitor.submit("/reports/", at="/").job_id

    def halfway() -> bool:
        status = visitor.status(job)
        assert not status["finished"], "It was never seen on its way."
        return bool(status["progress"] and status["progress"]["done"] >= 10)

    eventually(halfway, "ten days of the report")
    assert wait_for_job(visitor, job)["progress"] == {"done": 30, "total": 30}
    page = visitor.get(f"/jobs/{job}/")
    assert "The last 30 days" in page.words
    assert page.text.count('<th scope="row">') == 30


def test_page_of_a_report_follows_it_by_its_own_token(
    site: Site, visitor: Visitor, start_worker: RunExample
) -> None:
    job = visitor.submit("/reports/", at="/").job_id
    page = visitor.get(f"/jobs/{job}/")
    status, events = (
        unescape(re.findall(rf'data-{kind}-url="([^"]+)"', page.text)[0])
        for kind in ("status", "events")
    )
    assert visitor.json(status)["state"] == "ready"
    assert site.visitor().get(status.partition("?")[0]).status == 403
    start_worker("--queues", "reports")
    source = EventSource(site.url.removeprefix("http://"), events)
    told = []
    for event in source:
        told.append(event.data)
        if event.kind == "finished":
            break
    source.close()
    assert told[-1]["outcome"] == "succeeded"
    assert told[-1]["progress"] == {"done": 30, "total": 30, "percent": 100}
    assert any(0 < (each["progress"] or {}).get("done", 0) < 30 for each in told)
    assert "data-status-url" not in visitor.get(f"/jobs/{job}/").text


def test_report_goes_on_after_its_worker_was_killed(
    visitor: Visitor, start_worker: RunExample
) -> None:
    worker = start_worker("--queues", "reports")
    job = visitor.submit("/reports/", at="/").job_id
    eventually(
        lambda: (visitor.status(job)["progress"] or {}).get("done", 0) >= 12,
        "twelve days of the report",
    )
    (building,) = worker.children()
    building.send_signal(signal.SIGKILL)
    psutil.wait_procs([building])

    seen = set()

    def look() -> Any:
        status = visitor.status(job)
        seen.add(status["progress"]["done"])
        return status["finished"] and status

    status = eventually(look, "the report")
    assert status["state"] == "succeeded"
    assert len(status["attempts"]) == 2
    assert min(seen) >= 10, "Days that were counted and kept are counted again."
    assert visitor.get(f"/jobs/{job}/").text.count('<th scope="row">') == 30


def test_running_report_can_be_cancelled_and_run_again(
    visitor: Visitor, start_worker: RunExample
) -> None:
    start_worker("--queues", "reports")
    job = visitor.submit("/reports/", at="/").job_id
    eventually(lambda: visitor.status(job)["state"] == "running", "the report to run")
    visitor.submit(f"/jobs/{job}/cancel/", at="/")
    assert wait_for_job(visitor, job)["state"] == "cancelled"
    visitor.submit(f"/jobs/{job}/again/", at="/")
    assert wait_for_job(visitor, job)["state"] == "succeeded"


def test_reports_are_left_to_their_own_worker(
    visitor: Visitor, start_worker: RunExample
) -> None:
    report = visitor.submit("/reports/", at="/").job_id
    start_worker("--burst", "--exclude-queues", "reports").wait()
    assert visitor.status(report)["state"] == "waiting"
    start_worker("--burst", "--queues", "reports").wait()
    assert visitor.status(report)["state"] == "succeeded"


def test_async_task_asks_for_every_page(
    visitor: Visitor, start_worker: RunExample
) -> None:
    start_worker()
    job = visitor.submit("/timings/", at="/").job_id
    assert wait_for_job(visitor, job)["state"] == "succeeded"
    words = visitor.get(f"/jobs/{job}/").words
    for path in ("/", "/sign-up/", "/accounts/login/"):
        assert re.search(rf" {path} \d+ ms", words), words


def test_every_click_books_its_points(site: Site, start_worker: RunExample) -> None:
    boss = site.visitor()
    boss.log_in(*STAFF)
    before = boss.get("/points/").words.count("Read a book")
    clicks = [boss.submit("/points/").job_id for _ in range(3)]
    start_worker()
    for job in clicks:
        wait_for_job(boss, job)
    after = boss.get("/points/").words
    assert after.count("Read a book") == before + 3
    assert f"{10 * (before + 3)} points" in after


@pytest.mark.parametrize("path", ["/points/", "/newsletters/", "/newsletters/1/"])
def test_visitor_is_asked_to_log_in(visitor: Visitor, path: str) -> None:
    assert "/accounts/login/" in visitor.get(path).url


def test_newsletter_reaches_each_member_once(
    site: Site, start_worker: RunExample
) -> None:
    members = [address() for _ in range(20)]
    for email in members:
        sign_up(site.visitor(), email)
    start_worker("--burst").wait()
    boss = site.visitor()
    boss.log_in(*STAFF)
    page = boss.submit("/newsletters/", subject="Owls", body="All about owls.")
    status = f"{page.url}status/"
    assert boss.json(status)["progress"]["done"] == 0

    start_worker("--processes", "2")

    eventually(lambda: boss.json(status)["finished"], "the newsletter to be sent")
    for email in members:
        letters = [mail for mail in site.mails_to(email) if mail["Subject"] == "Owls"]
        assert len(letters) == 1, email


def test_admin_shows_every_table(site: Site) -> None:
    boss = site.visitor()
    boss.log_in(*STAFF)
    index = boss.get("/admin/")
    paths = set(re.findall(r'href="(/admin/\w+/\w+/)"', index.text))
    assert {f"/admin/club/{name}/" for name in ("member", "newsletter")} <= paths
    for path in paths:
        assert boss.get(path).status == 200, path


@pytest.mark.parametrize("path", ["/", "/sign-up/", "/accounts/login/"])
def test_pages_load_nothing_from_elsewhere(visitor: Visitor, path: str) -> None:
    text = visitor.get(path).text
    loaded = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', text)
    assert loaded
    for source in loaded:
        assert source.startswith("/static/")
        assert visitor.get(source).status == 200
