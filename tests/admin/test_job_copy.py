"""A copy of a job, with other arguments if these are edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.test import Client

from django_bgtasks.models import DeferredJob, Job, ReadyJob
from django_bgtasks.sensitive import HIDDEN
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import LIST, page_of, said, text_of


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def address(job: Any) -> str:
    return f"{LIST}{job.id}/copy/"


def send(client: Client, job: Any, **changes: Any) -> Any:
    """Send the form as it is shown, with these changes."""
    form = client.get(address(job)).context["form"]
    values = {name: form[name].value() for name in form.fields}
    fields = {
        name: form.fields[name].prepare_value(value) or ""
        for name, value in values.items()
    }
    return client.post(address(job), {**fields, "priority": "0", **changes})


def only_copy(job: Any) -> Job:
    return Job.objects.exclude(pk=job.id).get()


def test_copy_is_enqueued_as_the_job_was(boss: Client, worker: InlineWorker) -> None:
    task = tasks.greet.using(queue_name="mail", metadata={"a": 1})
    job = worker.run_result(task.enqueue("ada", user_id=7))
    response = send(boss, job)
    copy = only_copy(job)
    assert response["Location"] == page_of(str(copy.pk))
    assert (copy.args, copy.kwargs, copy.metadata) == (
        ["ada"],
        {"user_id": 7},
        {"a": 1},
    )
    assert (copy.queue_name, copy.task_path) == ("mail", job.task.module_path)
    assert ReadyJob.objects.get().pk == copy.pk
    entry = LogEntry.objects.get()
    assert (entry.action_flag, entry.object_id) == (ADDITION, str(copy.pk))
    assert job.id in entry.change_message


def test_arguments_queue_priority_and_time_are_edited(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("ada")
    send(
        boss,
        job,
        args='["eve"]',
        kwargs='{"user_id": 9}',
        queue_name="mail",
        priority="7",
        delay="60",
    )
    copy = only_copy(job)
    assert (copy.args, copy.kwargs) == (["eve"], {"user_id": 9})
    assert DeferredJob.objects.values_list("queue_name", "rank").get() == ("mail", -7)


def test_hidden_value_that_is_left_is_that_of_the_job(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.log_in.enqueue("ada", "hunter2")
    text = text_of(boss.get(address(job)))
    assert "hunter2" not in text
    assert HIDDEN in text
    send(boss, job)
    assert only_copy(job).args == ["ada", "hunter2"]


def test_hidden_value_is_replaced(boss: Client, worker: InlineWorker) -> None:
    job = tasks.log_in.enqueue("ada", "hunter2")
    send(boss, job, args='["eve", "new"]')
    assert only_copy(job).args == ["eve", "new"]


def test_copy_hides_what_the_job_hides_though_the_task_does_not_any_more(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.using(metadata={"pin": "4711"}).enqueue("hunter2")
    kept = {"names": ["name", "pin"], "positions": [0], "rest": None}
    Job.objects.update(sensitive=kept)
    send(boss, job)
    copy = only_copy(job)
    assert (copy.args, copy.metadata) == (["hunter2"], {"pin": "4711"})
    for page in (page_of(str(copy.pk)), f"{LIST}{copy.pk}/args.json"):
        text = text_of(boss.get(page))
        assert "hunter2" not in text
        assert "4711" not in text


@pytest.mark.once
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("args", "[1", "Line 1"),
        ("kwargs", '{"\\ud800": 1}', "lone surrogate"),
        ("args", "{}", "Write a list"),
        ("args", '["a", "b"]', "takes 1 positional argument at most"),
        ("args", "[]", "needs the argument “name”"),
        ("args", "[NaN]", "NaN"),
        ("kwargs", "[]", "Write an object"),
        ("kwargs", '{"user": 1}', "takes no argument “user”"),
        ("kwargs", '{"name": "x"}', "is given among the positional arguments"),
        ("queue_name", "", "This field is required"),
        ("queue_name", "nowhere", "nowhere"),
        ("priority", "101", "less than or equal to 100"),
        ("priority", "x", "whole number"),
        ("delay", "-1", "greater than or equal to 0"),
        ("delay", "1e99", "less than or equal"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    boss: Client, worker: InlineWorker, field: str, value: str, words: str
) -> None:
    job = tasks.greet.enqueue("ada")
    response = send(boss, job, **{field: value})
    assert words in str(response.context["form"].errors.get(field, "")), (
        response.context["form"].errors
    )
    assert Job.objects.count() == 1


def test_argument_that_no_database_stores_is_refused(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("ada")
    response = send(boss, job, args='["\\u0000"]')
    assert "NUL" in str(response.context["form"].errors)


@pytest.mark.parametrize("gone", ["task", "job"])
def test_copy_of_what_is_gone_is_refused_in_words(
    boss: Client, worker: InlineWorker, gone: str
) -> None:
    job = tasks.greet.enqueue("ada")
    if gone == "task":
        Job.objects.update(task_path="tests.admin.job_tasks.gone")
    else:
        Job.objects.all().delete()
    for response in (boss.get(address(job)), boss.post(address(job), {})):
        assert response.status_code == 302
        assert said(response)


@pytest.mark.once
@pytest.mark.parametrize(
    "codenames",
    [(), ("view_job",), ("view_job", "add_job"), ("view_job", "view_job_arguments")],
)
def test_copying_needs_its_permissions(
    staff: Callable[..., Client], worker: InlineWorker, codenames: tuple[str, ...]
) -> None:
    job = tasks.greet.enqueue("ada")
    client = staff(*codenames)
    assert client.get(address(job)).status_code == 403
    assert client.post(address(job), {}).status_code == 403
    may = staff("view_job", "view_job_arguments", "add_job")
    assert may.get(address(job)).status_code == 200
