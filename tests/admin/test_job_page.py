"""The page of a job tells all that is known of it, and nothing that is hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_bgtasks.admin import job_export, job_values
from django_bgtasks.admin.json_field import JSONEditorField
from django_bgtasks.admin.tracebacks import read_traceback
from django_bgtasks.lifecycle import operate
from django_bgtasks.models import (
    Attempt,
    Job,
    JobLink,
    ReadyJob,
    Schedule,
)
from django_bgtasks.sensitive import HIDDEN
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import LIST, page_of, said, text_of


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


def seen(client: Client, job: Any) -> str:
    """Return the words of a job's page, without its tags."""
    text = text_of(client.get(page_of(job)))
    body = text.partition("data-bgtasks-fragment")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def test_arguments_metadata_and_result_are_shown(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.tell.using(metadata={"a": 1}).enqueue("red"))
    words = seen(boss, job)
    for part in ("Succeeded", job.id, "&quot;red&quot;", "&quot;colour&quot;", "told"):
        assert part in words
    assert re.search(r"1 / 4", words)


def test_timeline_tells_each_moment(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.stumble.enqueue())
    words = seen(boss, job)
    for part in ("Enqueued", "Attempt 1 started worker-1", "Attempt 1: Failed", "Due"):
        assert part in words
    assert words.index("Enqueued") < words.index("Attempt 1 started")


@pytest.mark.parametrize("state", ["ready", "running", "cancelled"])
def test_job_that_has_not_run_has_a_page(
    boss: Client, worker: InlineWorker, state: str
) -> None:
    job = tasks.greet.enqueue("x")
    if state == "running":
        worker.claim_one()
    if state == "cancelled":
        job.cancel()
    assert state.capitalize() in seen(boss, job)


def test_page_of_an_unfinished_job_refreshes_itself(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("x")
    assert f'data-bgtasks-live="{page_of(job)}"' in text_of(boss.get(page_of(job)))
    fragment = boss.get(page_of(job), headers={"X-Bgtasks-Refresh": "1"})
    assert "<html" not in text_of(fragment)
    worker.run_all()
    assert "data-bgtasks-live" not in text_of(boss.get(page_of(job)))


def test_traceback_tells_own_code_from_that_of_libraries(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.blunder.enqueue("word"))
    text = text_of(boss.get(page_of(job)))
    assert re.search(r'<div class="bgtasks-frame"><b>blunder</b>', text)
    assert '<div class="bgtasks-error">LookupError: no word</div>' in text


LIBRARY_PATHS = [
    "/usr/lib/python3.12/json/decoder.py",
    "/home/x/.venv/lib/python3.13/site-packages/requests/api.py",
    "/usr/lib/python3/dist-packages/yaml.py",
    "C:\\Python\\Lib\\site-packages\\x.py",
    "<frozen importlib._bootstrap>",
    "<string>",
]


@pytest.mark.parametrize("path", LIBRARY_PATHS)
def test_code_of_a_library_is_told_apart(path: str) -> None:
    lines = read_traceback(
        "Traceback (most recent call last):\n"
        '  File "/srv/shop/tasks.py", line 3, in pack\n'
        "    call()\n"
        f'  File "{path}", line 12, in inner\n'
        "    boom()\n"
        "    ^^^^^^\n"
        "ValueError: x\n"
    )
    assert [(line.kind, line.library) for line in lines] == [
        ("start", False),
        ("frame", False),
        ("code", False),
        ("frame", True),
        ("code", True),
        ("code", True),
        ("error", False),
    ]
    assert (lines[1].file, lines[1].number, lines[1].name) == (
        *("/srv/shop/tasks.py", "3", "pack"),
    )


def test_causes_and_groups_of_exceptions_keep_their_lines() -> None:
    text = (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/srv/a.py", line 1, in f\n'
        "  |     x\n"
        "  | ExceptionGroup: two (2 sub-exceptions)\n"
        "\nDuring handling of the above exception, another exception occurred:\n\n"
        "KeyError: 1\n"
    )
    assert [line.text for line in read_traceback(text)] == text.splitlines()


def test_traceback_of_5000_lines_is_cut_in_its_middle(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.blunder.enqueue())
    long = "\n".join(f"line {n}" for n in range(5000)) + "\nValueError: the end"
    Attempt.objects.update(traceback=long)
    text = text_of(boss.get(page_of(job)))
    assert text.count("line 4") > 1
    assert "4001 lines are left out" in text
    assert "ValueError: the end" in text
    assert "line 2500" not in text


def test_log_of_each_attempt_is_shown(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.blunder.enqueue("word"))
    operate.retry(connection, [UUID(job.id)])
    worker.run_all()
    words = seen(boss, job)
    assert words.count("WARNING tests.admin: about to say word") == 2
    assert "Attempt 2" in words


def test_parent_and_children_are_linked(boss: Client, worker: InlineWorker) -> None:
    parent = worker.run_result(tasks.spawn.enqueue(2))
    children = list(JobLink.objects.values_list("pk", flat=True))
    text = text_of(boss.get(page_of(parent)))
    assert all(page_of(str(child)) in text for child in children)
    assert page_of(parent) in text_of(boss.get(page_of(str(children[0]))))


def test_parent_that_is_gone_is_told(boss: Client, worker: InlineWorker) -> None:
    job = tasks.greet.enqueue("x")
    JobLink.objects.create(job_id=UUID(job.id), parent_id=uuid4())
    text = text_of(boss.get(page_of(job)))
    parent = re.search(r"Enqueued by</dt><dd><a href=\"([^\"]+)", text)
    assert parent
    assert "There is no job" in said(boss.get(parent[1]))[0]


def test_only_some_of_many_children_are_shown(
    boss: Client, worker: InlineWorker
) -> None:
    parent = worker.run_result(tasks.spawn.enqueue(51))
    text = text_of(boss.get(page_of(parent)))
    assert "… and more" in text
    assert text.count("job_tasks.greet</a>") == 50


def test_schedule_is_linked(boss: Client, worker: InlineWorker) -> None:
    schedule = Schedule.objects.create(name="every night", task_path="x")
    job = tasks.greet.enqueue("x")
    Job.objects.update(schedule_id=schedule.pk)
    assert "every night" in seen(boss, job)
    schedule.delete()
    assert "(deleted)" in seen(boss, job)


# -- what is hidden -----------------------------------------------------------


def test_sensitive_values_are_nowhere_on_the_page(
    boss: Client, worker: InlineWorker
) -> None:
    for name in ("ada", "eve"):
        job = worker.run_result(tasks.log_in.enqueue(name, "hunter2"))
        text = text_of(boss.get(page_of(job)))
        assert "hunter2" not in text
        assert HIDDEN in text
        assert name in text
        assert "hunter2" not in boss.get(f"{LIST}{job.id}/args.json").content.decode()


def test_values_are_for_those_who_may_see_them(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.greet.enqueue("needle"))
    just, more = staff("view_job"), staff("view_job", "view_job_arguments")
    assert "needle" not in text_of(just.get(page_of(job)))
    assert just.get(f"{LIST}{job.id}/args.json").status_code == 403
    assert "needle" in text_of(more.get(page_of(job)))
    assert staff().get(page_of(job)).status_code == 403


# -- long values --------------------------------------------------------------


def test_megabyte_of_arguments_is_cut_with_a_way_to_all_of_it(
    boss: Client, worker: InlineWorker
) -> None:
    big = "x" * 1_000_000
    job = worker.run_result(tasks.greet.enqueue(big))
    text = text_of(boss.get(page_of(job)))
    assert len(text) < 100_000
    assert "more characters" in text
    response = boss.get(f"{LIST}{job.id}/args.json")
    assert json.loads(response.content) == [big]
    assert "attachment" in response["Content-Disposition"]
    assert json.loads(boss.get(f"{LIST}{job.id}/return_value.json").content)


def test_value_of_another_name_is_none(boss: Client, worker: InlineWorker) -> None:
    job = tasks.greet.enqueue("x")
    assert "There is no job" in said(boss.get(f"{LIST}{job.id}/sensitive.json"))[0]


# -- jobs that are not as they should be --------------------------------------


@pytest.mark.parametrize("job", ["x", "1", str(uuid4()), "../../x", "%00", "<script>"])
def test_job_that_is_not_there_is_told(boss: Client, job: str) -> None:
    response = boss.get(page_of(job))
    assert response.status_code in (302, 404)
    if response.status_code == 302 and response["Location"] == LIST:
        assert "There is no job" in said(response)[0]


def test_task_that_no_longer_exists_is_told(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.greet.enqueue("needle"))
    Job.objects.update(task_path="tests.admin.job_tasks.gone")
    words = seen(boss, job)
    assert "names no task" in words
    assert "needle" in words
    assert "Enqueue a copy" not in words
    assert said(boss.get(f"{LIST}{job.id}/copy/"))


def test_backend_that_no_longer_exists_is_told(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.greet.enqueue("needle"))
    Job.objects.update(backend="elsewhere")
    assert "no backend “elsewhere” any more" in seen(boss, job)


def test_job_that_was_pruned_between_list_and_page_is_told(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("x")
    assert job.id in text_of(boss.get(LIST))
    ReadyJob.objects.all().delete()
    Job.objects.all().delete()
    response = boss.get(page_of(job), follow=True)
    assert "It may have been pruned" in text_of(response)


def test_row_that_is_no_json_is_shown_as_it_is(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.greet.enqueue("x"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_bgtasks_job SET args = 'no json', kwargs = '7'")
    assert "no json" in seen(boss, job)
    text_of(boss.get(f"{LIST}{job.id}/copy/"))


def test_page_takes_few_statements(boss: Client, worker: InlineWorker) -> None:
    job = worker.run_result(tasks.spawn.enqueue(20))
    operate.retry(connection, [UUID(job.id)])
    worker.run_all()
    with CaptureQueriesContext(connection) as queries:
        text_of(boss.get(page_of(job)))
    assert len(queries) < 15


def test_history_of_a_job_is_that_of_the_admin(
    boss: Client, worker: InlineWorker
) -> None:
    job = worker.run_result(tasks.blunder.enqueue())
    boss.post(f"{LIST}act/", {"action": "retry", "_selected_action": job.id})
    history = text_of(boss.get(f"{LIST}{job.id}/history/"))
    assert "Retry" in history
    assert "boss" in history


@pytest.mark.once
def test_text_that_is_none_is_printed_all_the_same() -> None:
    # Written by hand, where the database lets it in.
    value = ["\ud800"]
    printed = [
        job_values.print_json(value),
        JSONEditorField("array", list).prepare_value(value),
        "".join(job_export._json(("args",), iter([{"args": value}]))),
        job_export._cell("args", value),
    ]
    for text in printed:
        assert "\\ud800" in text.encode().decode()
