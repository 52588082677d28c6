"""Somebody who never saw these pages finds out why no mail goes out, and mends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_bgtasks.models import Failure, FinishedJob
from tests.processes import CommandProcess
from tests.waiting import eventually

from .shop.mail import send_sign_up_mail
from .visit import Visit

PATIENCE = 45
MAILS = 12

RunWorker = Callable[..., CommandProcess]


@pytest.fixture
def run_worker(run_manage: Any) -> RunWorker:
    """Start the shop's worker; with a folder its mail settings are right."""

    def run(folder: Path | None = None) -> CommandProcess:
        environment = {"DJANGO_SETTINGS_MODULE": "tests.browser.shop.settings"}
        if folder is not None:
            environment["BGTASKS_TEST_MAIL"] = str(folder)
        worker: CommandProcess = run_manage(
            "runworker", "--processes", 1, env=environment
        )
        return worker

    return run


def failed() -> int:
    return Failure.objects.count()


def sent() -> int:
    return FinishedJob.objects.filter(outcome="succeeded").count()


def test_person_finds_why_mails_fail_and_has_them_sent(
    as_admin: Visit, run_worker: RunWorker, tmp_path: Path
) -> None:
    # A shop signs people up. Its mail settings are wrong.
    send_sign_up_mail.enqueue_many(
        [((f"user{number}@example.com",), {}) for number in range(MAILS)]
    )
    worker = run_worker()
    eventually(lambda: failed() == MAILS, "all mails to have failed", PATIENCE)
    worker.stop()

    # The overview says that something fails, and where.
    as_admin.open("/admin/django_bgtasks/")
    as_admin.wait_for_text("#bgtasks-queues-table", "mail")
    as_admin.screenshot("story-1-overview")
    as_admin.leave_by("#bgtasks-queues-table a[href$='/failure/']")

    # All are of one kind.
    (group,) = as_admin.all(".bgtasks-group")
    assert "ConnectionRefusedError" in group.text
    assert "send_sign_up_mail" in group.text
    assert f"ConnectionRefusedError {MAILS}" in as_admin.text(".bgtasks-group h2")
    as_admin.screenshot("story-2-failures")

    # The traceback of the latest says that nobody listens, and its log on which port.
    as_admin.leave_by(".bgtasks-group .bgtasks-buttons a")
    as_admin.click(".bgtasks-own-only")
    as_admin.gone(".bgtasks-library")
    assert "send_sign_up_mail" in as_admin.text(".bgtasks-traceback")
    assert "Connection refused" in as_admin.text(".bgtasks-traceback")
    assert "Sending by 127.0.0.1:1" in as_admin.text(".bgtasks-log")
    as_admin.screenshot("story-3-traceback", ".bgtasks-attempt")

    # Somebody mends the setting. All of the group are retried.
    as_admin.open("/admin/django_bgtasks/failure/")
    as_admin.leave_by(".bgtasks-group button[value=retry]")
    assert f"{MAILS} jobs" in as_admin.text(".bgtasks-question")
    as_admin.screenshot("story-4-question")
    as_admin.leave_by(".submit-row input")
    assert f"Retried: {MAILS} jobs." in as_admin.text(".messagelist")
    assert failed() == 0
    assert "No job has failed" in as_admin.text("#content")

    # The queue is full; with a worker whose settings are right it drains.
    as_admin.open("/admin/django_bgtasks/job/?queue=mail&state=ready")
    assert len(as_admin.all("#result_list tbody tr")) == MAILS
    as_admin.screenshot("story-5-waiting")
    worker = run_worker(tmp_path)
    as_admin.wait_for_text(".bgtasks-none", "There is no such job.")
    eventually(lambda: sent() == MAILS, "all mails to be sent", PATIENCE)
    as_admin.leave_by(".bgtasks-choices a[href$='state=finished']")
    assert as_admin.text("#result_list").count("Succeeded") == MAILS
    as_admin.screenshot("story-6-sent")
    worker.stop()

    mails = "".join(each.read_text() for each in tmp_path.iterdir())
    assert all(f"To: user{number}@example.com" in mails for number in range(MAILS))
    entry = LogEntry.objects.get(object_id=None)
    assert f"{MAILS} jobs" in entry.change_message
    assert LogEntry.objects.exclude(object_id=None).count() == MAILS
