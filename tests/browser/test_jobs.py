"""Jobs and failures in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_bgtasks.admin import job_runs
from django_bgtasks.models import Attempt, FinishedJob, Job, ReadyJob
from tests.admin import job_tasks as tasks
from tests.admin.hostile import make_hostile_job
from tests.inline import InlineWorker, whereabouts
from tests.waiting import eventually

from .visit import Visit

LIST = "/admin/django_bgtasks/job/"
FAILURES = "/admin/django_bgtasks/failure/"


def page_of(job: Any) -> str:
    return f"{LIST}{getattr(job, 'id', job)}/change/"


@pytest.fixture
def worker(transactional_db: None) -> InlineWorker:
    return InlineWorker()


@pytest.fixture
def busy(worker: InlineWorker) -> dict[str, Any]:
    """Some jobs in each state, as a shop has them."""
    jobs: dict[str, Any] = {}
    jobs["parent"] = worker.run_result(tasks.spawn.enqueue(4))
    worker.run_all()
    jobs["failed"] = worker.run_result(tasks.log_in.enqueue("eve", "hunter2-horse"))
    for word in ("nothing", "words", "letters"):
        worker.run_result(tasks.blunder.enqueue(word))
    jobs["told"] = worker.run_result(tasks.tell.enqueue("red"))
    jobs["retry"] = worker.run_result(tasks.stumble.enqueue("root"))
    jobs["later"] = tasks.greet.using(run_after=3600, queue_name="mail").enqueue("a")
    jobs["running"] = tasks.greet.using(queue_name="mail").enqueue("running")
    worker.claim_one()
    jobs["ready"] = tasks.greet.using(priority=5).enqueue("waiting", user_id=7)
    return jobs


def test_list_is_narrowed_and_searched(as_admin: Visit, busy: dict[str, Any]) -> None:
    as_admin.open(LIST)
    assert len(as_admin.all("#result_list tbody tr")) == Job.objects.count()
    as_admin.screenshot("jobs")
    as_admin.click("#bgtasks-filter summary")
    as_admin.fill("#id_q", "user_id=7")
    as_admin.leave_by(".bgtasks-go button")
    (row,) = as_admin.all("#result_list tbody tr")
    assert busy["ready"].id in row.text
    as_admin.leave_by(".bgtasks-go a")
    as_admin.leave_by(".bgtasks-choices a[href$='state=failures']")
    assert len(as_admin.all("#result_list tbody tr")) == 4
    as_admin.screenshot("jobs-filtered")


def test_page_of_a_job_tells_its_story(as_admin: Visit, busy: dict[str, Any]) -> None:
    as_admin.open(page_of(busy["failed"]))
    assert "Failed" in as_admin.text(".bgtasks-head")
    assert "PermissionError: ******** is wrong" in as_admin.text(".bgtasks-traceback")
    assert "eve comes with ********" in as_admin.text(".bgtasks-log")
    assert "hunter2" not in as_admin.driver.page_source
    as_admin.screenshot("job")
    as_admin.emulate(dark=True)
    as_admin.screenshot("job-dark")
    as_admin.emulate()
    as_admin.open(page_of(busy["parent"]))
    assert len(as_admin.all(".bgtasks-children li")) == 4
    as_admin.leave_by(".bgtasks-children a")
    assert busy["parent"].id in as_admin.text(".bgtasks-dl")


def test_frames_of_libraries_are_hidden_at_will(
    as_admin: Visit, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.blunder.enqueue())
    Attempt.objects.update(
        traceback="Traceback (most recent call last):\n"
        '  File "/srv/shop/tasks.py", line 3, in pack\n    call()\n'
        '  File "/x/site-packages/lib.py", line 9, in inner\n    boom()\n'
        "ValueError: x\n"
    )
    as_admin.open(page_of(job))
    assert "lib.py" in as_admin.text(".bgtasks-traceback")
    as_admin.click(".bgtasks-own-only")
    as_admin.gone(".bgtasks-library")
    assert "tasks.py" in as_admin.text(".bgtasks-traceback")


def test_unfinished_job_is_followed(as_admin: Visit, worker: InlineWorker) -> None:
    job = tasks.tell.enqueue("red")
    as_admin.open(page_of(job))
    assert "Ready" in as_admin.text(".bgtasks-head")
    worker.run_all()
    as_admin.wait_for_text(".bgtasks-head", "Succeeded")
    assert as_admin.find(".bgtasks-how-far progress").get_attribute("value") == "25"


def test_failed_job_is_retried_from_its_page(
    as_admin: Visit, busy: dict[str, Any]
) -> None:
    as_admin.open(page_of(busy["failed"]))
    as_admin.leave_by("#bgtasks-do-retry")
    assert "Retried: 1 job." in as_admin.text(".messagelist")
    assert "Ready" in as_admin.text(".bgtasks-head")
    assert whereabouts(busy["failed"]) == ["ReadyJob"]


def test_ticked_jobs_are_deleted_after_a_question(
    as_admin: Visit, busy: dict[str, Any]
) -> None:
    as_admin.open(f"{LIST}?state=failures")
    as_admin.click("#bgtasks-tick-all")
    as_admin.choose("#bgtasks-action", "delete")
    as_admin.leave_by(".bgtasks-actions button")
    assert "4 jobs" in as_admin.text(".bgtasks-question")
    as_admin.screenshot("jobs-question")
    as_admin.leave_by(".submit-row input")
    assert "Deleted: 4 jobs." in as_admin.text(".messagelist")
    assert not FinishedJob.objects.filter(outcome="failed").exists()


def test_list_stands_still_while_jobs_are_ticked(
    as_admin: Visit, busy: dict[str, Any]
) -> None:
    as_admin.open(LIST)
    toggle = as_admin.find("[data-bgtasks-toggle]")
    as_admin.click("input.action-select")
    assert toggle.get_attribute("aria-pressed") == "true"
    as_admin.click("input.action-select")
    assert toggle.get_attribute("aria-pressed") == "false"


def test_long_action_goes_on_by_itself(
    as_admin: Visit, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runs, "BATCH", 4)
    monkeypatch.setattr(job_runs, "SECONDS", -1)
    tasks.greet.enqueue_many([((str(n),), {}) for n in range(18)])
    as_admin.open(f"{LIST}?state=ready")
    as_admin.click("#bgtasks-all")
    as_admin.choose("#bgtasks-action", "move")
    as_admin.leave_by(".bgtasks-actions button")
    as_admin.fill("[name=queue_name]", "mail")
    as_admin.click(".submit-row input")
    as_admin.wait_for_text(".messagelist", "Moved: 18 jobs.")
    assert set(ReadyJob.objects.values_list("queue_name", flat=True)) == {"mail"}
    whole = LogEntry.objects.get(object_id=None)
    assert "18 jobs" in whole.change_message


def test_copy_with_other_arguments_is_enqueued(
    as_admin: Visit, busy: dict[str, Any]
) -> None:
    as_admin.open(page_of(busy["failed"]))
    as_admin.leave_by("#bgtasks-do-copy")
    as_admin.fill("[name=args]", '["ada"]')
    as_admin.leave_by(".submit-row input")
    assert "needs the argument “password”" in as_admin.text(".errorlist")
    as_admin.screenshot("job-copy")
    as_admin.fill("[name=args]", '["ada", "********"]')
    as_admin.leave_by(".submit-row input")
    assert "A copy of the job is enqueued" in as_admin.text(".messagelist")
    copy = Job.objects.order_by("-pk").first()
    assert copy is not None
    assert copy.args == ["ada", "hunter2-horse"]


def test_failures_are_grouped(as_admin: Visit, busy: dict[str, Any]) -> None:
    as_admin.open(FAILURES)
    assert len(as_admin.all(".bgtasks-group")) == 2
    as_admin.screenshot("failures")
    as_admin.leave_by(".bgtasks-group h2 a")
    assert len(as_admin.all("#result_list tbody tr")) == 3


def test_no_script_of_a_job_is_run(as_admin: Visit, transactional_db: None) -> None:
    job = make_hostile_job()
    for path in (
        LIST,
        f"{LIST}?q=<script>alert(1)</script>",
        FAILURES,
        page_of(job),
        f"{LIST}{job}/history/",
        "/admin/django_bgtasks/",
    ):
        as_admin.open(path)
        # An alert that was open would make this raise.
        assert as_admin.script("return document.title")
        assert as_admin.all("img[src=x]") == []


def test_pages_fit_a_phone_and_the_keyboard(
    as_admin: Visit, busy: dict[str, Any]
) -> None:
    as_admin.phone()
    for name, path in (
        ("jobs", LIST),
        ("job", page_of(busy["failed"])),
        ("failures", FAILURES),
        ("job-copy", f"{LIST}{busy['failed'].id}/copy/"),
    ):
        as_admin.open(path)
        assert not as_admin.is_wider_than_the_screen(), path
        as_admin.screenshot(f"{name}-phone")
    as_admin.desk()
    as_admin.open(page_of(busy["failed"]))
    as_admin.script("document.getElementById('bgtasks-do-retry').focus()")
    as_admin.press("ENTER")
    as_admin.wait_for_text(".messagelist", "Retried: 1 job.")


def test_controls_have_accessible_names(as_admin: Visit, busy: dict[str, Any]) -> None:
    for path in (LIST, page_of(busy["failed"]), FAILURES):
        as_admin.open(path)
        for element in as_admin.all(
            "#content button, #content select, #content progress, "
            "#content input:not([type=hidden]), #content [tabindex]"
        ):
            if element.is_displayed():
                assert element.accessible_name, element.get_attribute("outerHTML")


def test_who_may_only_look_finds_nothing_to_press(
    visit: Visit, sign_in: Callable[..., Any], busy: dict[str, Any]
) -> None:
    sign_in("view_job")
    visit.open(page_of(busy["failed"]))
    assert "You may not see the arguments" in visit.text("#content")
    assert visit.all(".bgtasks-deeds button") == []
    eventually(lambda: visit.all(".bgtasks-traceback"), "the traceback")
