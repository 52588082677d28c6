"""What can be done to jobs, one or many: by whom, to which, and what is noted of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.core import signing
from django.test import Client

from django_bgtasks.admin import job_runs
from django_bgtasks.models import FinishedJob, Job, ReadyJob, RunningJob
from django_bgtasks.overview import walk
from django_bgtasks.overview.counts import Count
from tests.inline import InlineWorker, whereabouts

from . import job_tasks as tasks
from .jobs import (
    ACT,
    FAILURES,
    LIST,
    act,
    confirm,
    ids_of,
    page_of,
    said,
    text_of,
    token_of,
)


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def failed(worker: InlineWorker, number: int = 1) -> list[Any]:
    jobs = tasks.blunder.enqueue_many([((), {}) for _ in range(number)])
    worker.run_all()
    return jobs


def deferred(number: int = 1) -> list[Any]:
    later = tasks.greet.using(run_after=3600)
    return later.enqueue_many([((str(n),), {}) for n in range(number)])


def waiting(number: int = 1) -> list[Any]:
    return tasks.greet.enqueue_many([((str(n),), {}) for n in range(number)])


# -- one job, from its page ---------------------------------------------------


@pytest.mark.parametrize(
    ("action", "make", "place", "words"),
    [
        ("retry", failed, ["ReadyJob"], "Retried: 1 job."),
        ("cancel", lambda worker: waiting(), ["FinishedJob"], "Cancelled: 1 job."),
        ("run_now", lambda worker: deferred(), ["ReadyJob"], "Made ready: 1 job."),
    ],
)
def test_one_job_is_acted_on_at_once(
    boss: Client,
    worker: InlineWorker,
    action: str,
    make: Any,
    place: list[str],
    words: str,
) -> None:
    (job,) = make(worker)
    response = act(boss, action, job, back="job")
    assert (response.status_code, response["Location"]) == (302, page_of(job))
    assert said(response) == [words]
    assert whereabouts(job) == place
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag) == (job.id, CHANGE)
    assert entry.user.username == "boss"


def test_job_that_runs_is_told_to_stop(boss: Client, worker: InlineWorker) -> None:
    (job,) = waiting()
    worker.claim_one()
    assert said(act(boss, "cancel", job)) == ["Cancelled: 1 job."]
    assert RunningJob.objects.get().cancel_requested


def test_deleting_one_job_is_asked_about(boss: Client, worker: InlineWorker) -> None:
    (job,) = failed(worker)
    question = act(boss, "delete", job, back="job")
    assert "This cannot be undone" in text_of(question)
    assert Job.objects.exists()
    response = confirm(boss, question)
    assert response["Location"] == LIST
    assert not Job.objects.exists()
    assert LogEntry.objects.get().action_flag == DELETION


# -- several that were ticked -------------------------------------------------


def test_ticked_jobs_are_acted_on_after_a_question(
    boss: Client, worker: InlineWorker
) -> None:
    jobs = failed(worker, 4)
    question = act(boss, "retry", *jobs[:3])
    assert "3 jobs" in text_of(question)
    assert not ReadyJob.objects.exists()
    assert said(confirm(boss, question)) == ["Retried: 3 jobs."]
    assert set(map(str, ReadyJob.objects.values_list("pk", flat=True))) == set(
        ids_of(*jobs[:3])
    )


def test_jobs_are_moved_to_a_queue_and_a_priority(
    boss: Client, worker: InlineWorker
) -> None:
    jobs = [*waiting(2), *failed(worker)]
    jobs = [*waiting(2), *jobs]
    question = act(boss, "move", *jobs)
    response = confirm(boss, question, queue_name="mail", priority=9)
    places = ReadyJob.objects.values_list("queue_name", "rank")
    assert set(places) == {("mail", -9)}
    assert "Moved: 2 jobs." in said(response)
    message = LogEntry.objects.exclude(object_id=None).first()
    assert message is not None
    assert "queue_name=mail, priority=9" in message.change_message


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Name a queue or a priority"),
        ({"priority": 101}, "less than or equal to 100"),
        ({"priority": "high"}, "Enter a whole number"),
        ({"queue_name": "nowhere"}, "have no queue “nowhere”"),
        ({"queue_name": "x" * 200}, "at most 128"),
    ],
)
def test_move_that_cannot_be_is_refused_at_its_field(
    boss: Client, worker: InlineWorker, given: Any, words: str
) -> None:
    question = act(boss, "move", *waiting(2))
    answer = boss.post(ACT, {"run": token_of(question), **given})
    assert words in text_of(answer)
    assert set(ReadyJob.objects.values_list("queue_name", "rank")) == {("default", 0)}


# -- all that a filter means --------------------------------------------------


def test_all_that_match_are_acted_on_in_batches(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = failed(worker, 7)
    others = [worker.run_result(job) for job in deferred()]
    monkeypatch.setattr(job_runs, "BATCH", 2)
    monkeypatch.setattr(job_runs, "SECONDS", -1)
    query = f"state=failed&task={tasks.blunder.module_path}"
    question = boss.post(ACT, {"action": "retry", "all": "1", "query": query})
    assert "7 jobs" in text_of(question)
    later = boss.post(ACT, {"run": token_of(question)})
    assert "2 of 7 jobs are done." in text_of(later)
    assert "data-bgtasks-go-on" in text_of(later)
    assert ReadyJob.objects.count() == 2
    response = confirm(boss, later)
    assert said(response) == ["Retried: 7 jobs."]
    assert response["Location"] == f"{LIST}?{query}"
    assert ReadyJob.objects.count() == 7
    assert whereabouts(others[0]) == ["DeferredJob"]
    # One entry for all of it, and one for each job.
    whole = LogEntry.objects.get(object_id=None)
    assert "7 jobs" in whole.change_message
    assert tasks.blunder.module_path in whole.change_message
    assert set(
        LogEntry.objects.exclude(object_id=None).values_list("object_id", flat=True)
    ) == set(ids_of(*jobs))


def test_entries_for_single_jobs_are_bounded(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(worker, 5)
    monkeypatch.setattr(job_runs, "MOST_ENTRIES", 3)
    monkeypatch.setattr(job_runs, "BATCH", 2)
    question = boss.post(ACT, {"action": "retry", "all": "1", "query": ""})
    confirm(boss, question)
    assert LogEntry.objects.exclude(object_id=None).count() == 3
    assert "5 jobs" in LogEntry.objects.get(object_id=None).change_message


@pytest.mark.parametrize(
    ("action", "query", "number"),
    [
        ("retry", "", 2),
        ("retry", "state=finished", 2),
        ("retry", "state=succeeded", 1),
        ("cancel", "", 5),
        ("cancel", "state=deferred", 3),
        ("run_now", "", 3),
        ("delete", "", 8),
        ("delete", "state=finished", 3),
        ("move", "state=ready", 2),
    ],
)
def test_all_means_the_jobs_that_it_can_be_done_to(
    boss: Client, worker: InlineWorker, action: str, query: str, number: int
) -> None:
    failed(worker, 2)
    worker.run_result(tasks.greet.enqueue("x"))
    waiting(2)
    deferred(3)
    question = boss.post(ACT, {"action": action, "all": "1", "query": query})
    response = confirm(boss, question, priority=3)
    assert f": {number} job" in said(response)[0]


@pytest.mark.parametrize(
    ("action", "query"),
    [
        ("retry", "state=ready"),
        ("cancel", "state=finished"),
        ("run_now", "state=ready"),
        ("retry", "queue=mail"),
        ("move", "state=running"),
    ],
)
def test_what_can_be_done_to_no_job_is_said(
    boss: Client, worker: InlineWorker, action: str, query: str
) -> None:
    failed(worker)
    waiting()
    response = boss.post(ACT, {"action": action, "all": "1", "query": query})
    assert said(response) == ["There is no job that it can be done to."]
    assert response["Location"] == f"{LIST}?{query}"


def test_jobs_enqueued_after_the_question_are_left(
    boss: Client, worker: InlineWorker
) -> None:
    waiting(2)
    question = boss.post(ACT, {"action": "cancel", "all": "1", "query": ""})
    (late,) = waiting()
    confirm(boss, question)
    assert whereabouts(late) == ["ReadyJob"]


def test_job_that_is_found_by_its_arguments_only_is_meant(
    boss: Client, worker: InlineWorker
) -> None:
    jobs = waiting(3)
    question = boss.post(ACT, {"action": "cancel", "all": "1", "query": "q=name%3D1"})
    confirm(boss, question)
    assert [whereabouts(job) for job in jobs] == [
        ["ReadyJob"],
        ["FinishedJob"],
        ["ReadyJob"],
    ]


def test_question_does_not_tell_how_many_hold_a_sensitive_value(
    boss: Client, worker: InlineWorker
) -> None:
    tasks.log_in.enqueue("ada", "hunter2")
    tasks.log_in.enqueue("bob", password="hunter2")
    asked = {"action": "cancel", "all": "1", "query": "q=hunter2"}
    response = boss.post(ACT, asked)
    assert said(response) == ["There is no job that it can be done to."]
    tasks.greet.enqueue("hunter2")
    assert "1 job:" in text_of(boss.post(ACT, asked))


def test_what_was_answered_is_not_asked_again_while_nothing_is_done(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(4)
    wanted = tasks.greet.enqueue("needle")
    monkeypatch.setattr(walk, "_WINDOW", 2)
    monkeypatch.setattr(walk, "_SMALL_WINDOW", 2)
    monkeypatch.setattr(job_runs, "SECONDS", -1)
    query = "q=needle&state=ready"
    question = boss.post(ACT, {"action": "move", "all": "1", "query": query})
    answer = {"run": token_of(question), "queue_name": "mail", "priority": ""}
    later = boss.post(ACT, answer)
    assert "0 of 1 jobs are done." in text_of(later)
    assert "data-bgtasks-go-on" in text_of(later)
    assert said(confirm(boss, later)) == ["Moved: 1 job."]
    assert ReadyJob.objects.get(pk=wanted.id).queue_name == "mail"


def test_jobs_that_were_not_found_in_time_are_asked_about_all_the_same(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        job_runs, "count_jobs", lambda alias, terms: Count(0, exact=False)
    )
    (job,) = waiting()
    query = "q=name%3D0&state=ready"
    question = boss.post(ACT, {"action": "cancel", "all": "1", "query": query})
    assert "More than 0 jobs:" in text_of(question)
    assert said(confirm(boss, question)) == ["Cancelled: 1 job."]
    assert whereabouts(job) == ["FinishedJob"]


# -- jobs and people that move meanwhile --------------------------------------


def test_job_that_moved_on_meanwhile_is_left_and_told(
    boss: Client, worker: InlineWorker
) -> None:
    jobs = waiting(3)
    question = act(boss, "cancel", *jobs)
    worker.run(worker.claim(1)[0])
    Job.objects.filter(pk=jobs[2].id).delete()
    ReadyJob.objects.filter(pk=jobs[2].id).delete()
    response = confirm(boss, question)
    assert said(response) == [
        "Cancelled: 1 job.",
        "2 jobs were left as they are: they have moved on or are gone.",
    ]


def test_two_admins_at_once_do_it_once(
    boss: Client, staff: Callable[..., Client], worker: InlineWorker
) -> None:
    jobs = failed(worker, 3)
    other = staff("view_job", "retry_job")
    mine, theirs = act(boss, "retry", *jobs), act(other, "retry", *jobs)
    assert said(confirm(other, theirs)) == ["Retried: 3 jobs."]
    assert said(confirm(boss, mine)) == [
        "3 jobs were left as they are: they have moved on or are gone."
    ]
    assert ReadyJob.objects.count() == 3
    assert {entry.user.username for entry in LogEntry.objects.all()} == {"staff 0"}


def test_job_that_is_gone_is_told(boss: Client, worker: InlineWorker) -> None:
    response = act(boss, "retry", uuid4(), back="job")
    assert said(response) == ["1 job was left as it is: it has moved on or is gone."]
    assert not LogEntry.objects.exists()


# -- bad input ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Choose jobs first."),
        ({"_selected_action": "x"}, "“x” is no id of a job."),
        ({"_selected_action": "<b>"}, "“<b>” is no id of a job."),
        ({"all": "1", "query": "state=asleep"}, "The filter is not valid."),
    ],
)
def test_choice_that_cannot_be_is_told(
    boss: Client, worker: InlineWorker, given: Any, words: str
) -> None:
    response = boss.post(ACT, {"action": "retry", **given})
    assert response.status_code == 302
    assert said(response) == [words]


@pytest.mark.once
@pytest.mark.parametrize("action", ["", "explode", "retry_job", "__class__"])
def test_action_that_is_none_is_refused(boss: Client, action: str) -> None:
    assert act(boss, action, uuid4()).status_code == 403


@pytest.mark.once
@pytest.mark.parametrize("token", ["", "x", "a:b:c"])
def test_forged_confirmation_is_refused(boss: Client, token: str) -> None:
    response = boss.post(ACT, {"run": token})
    assert said(response) == [
        "This confirmation is not valid any more. Please begin again."
    ]


def test_confirmation_of_somebody_else_is_refused(
    boss: Client, staff: Callable[..., Client], worker: InlineWorker
) -> None:
    question = act(boss, "retry", *failed(worker, 2))
    other = staff("view_job", "retry_job")
    response = other.post(ACT, {"run": token_of(question)})
    assert "not valid any more" in said(response)[0]
    assert not ReadyJob.objects.exists()


def test_old_confirmation_is_refused(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = act(boss, "retry", *failed(worker, 2))
    now = signing.time.time()
    monkeypatch.setattr(signing.time, "time", lambda: now + 25 * 3600)
    response = boss.post(ACT, {"run": token_of(question)})
    assert "not valid any more" in said(response)[0]
    assert FinishedJob.objects.count() == 2


# -- who may ------------------------------------------------------------------

PERMISSIONS = {
    "retry": "retry_job",
    "cancel": "cancel_job",
    "run_now": "run_job_now",
    "move": "move_job",
    "delete": "delete_job",
}


@pytest.mark.once
@pytest.mark.parametrize("action", PERMISSIONS)
def test_each_action_needs_its_own_permission(
    staff: Callable[..., Client], worker: InlineWorker, action: str
) -> None:
    job = waiting()[0]
    others = [each for name, each in PERMISSIONS.items() if name != action]
    without, just = staff("view_job", *others), staff("view_job", PERMISSIONS[action])
    assert act(without, action, job).status_code == 403
    assert act(just, action, job).status_code in (200, 302)
    assert f'value="{action}"' not in text_of(without.get(LIST))
    assert f'value="{action}"' in text_of(just.get(LIST))


def test_permission_may_go_before_the_confirmation(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    client = staff("view_job", "retry_job")
    question = act(client, "retry", *failed(worker, 2))
    token = token_of(question)
    user: Any = question.wsgi_request.user
    user.user_permissions.clear()
    assert client.post(ACT, {"run": token}).status_code == 403
    assert not ReadyJob.objects.exists()


def test_who_may_only_look_sees_no_buttons(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    (job,) = failed(worker)
    client = staff("view_job")
    for address in (LIST, page_of(job), FAILURES):
        assert '<button type="submit" name="action"' not in text_of(client.get(address))


def test_state_is_changed_by_post_only(boss: Client) -> None:
    assert boss.get(ACT).status_code == 405


def test_post_without_a_csrf_token_is_refused(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    client = staff("view_job", "retry_job", enforce_csrf_checks=True)
    (job,) = failed(worker)
    assert act(client, "retry", job).status_code == 403
    assert not ReadyJob.objects.exists()


def test_anonymous_visitors_are_sent_to_sign_in(worker: InlineWorker) -> None:
    (job,) = failed(worker)
    response = act(Client(), "retry", job)
    assert response.status_code == 302
    assert "login" in response["Location"]
    assert not ReadyJob.objects.exists()


@pytest.mark.once
def test_site_without_a_backend_of_ours_is_told(
    boss: Client, worker: InlineWorker, settings: Any
) -> None:
    (job,) = waiting()
    settings.TASKS = {}
    response = act(boss, "cancel", job)
    assert said(response) == ["No backend of django_bgtasks is set up in TASKS."]
