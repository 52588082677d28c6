"""Jobs are found by what is known of them, a page at a time, at a bounded cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_bgtasks.ids import uuid7
from django_bgtasks.models import Job, Schedule, Tick
from django_bgtasks.overview import search
from django_bgtasks.overview.search import find
from django_bgtasks.overview.terms import Terms
from tests.inline import InlineWorker

from . import job_tasks as tasks
from .jobs import LIST, ids_of, listed, text_of


@pytest.fixture
def worker(db: None) -> InlineWorker:
    return InlineWorker()


@pytest.fixture
def everywhere(worker: InlineWorker) -> dict[str, Any]:
    """Jobs in each of the states."""
    jobs: dict[str, Any] = {}
    jobs["succeeded"] = worker.run_result(tasks.greet.enqueue("ada"))
    jobs["failed"] = worker.run_result(tasks.blunder.enqueue())
    jobs["expired"] = worker.run_result(
        tasks.greet.using(expires=timedelta()).enqueue("late")
    )
    jobs["cancelled"] = tasks.greet.enqueue("nobody")
    jobs["cancelled"].cancel()
    jobs["running"] = tasks.greet.using(queue_name="mail").enqueue("running")
    worker.claim_one()
    jobs["ready"] = tasks.greet.using(priority=5).enqueue("waiting")
    jobs["deferred"] = tasks.greet.using(run_after=3600).enqueue("later")
    return jobs


def test_all_jobs_are_listed_latest_first(
    boss: Client, everywhere: dict[str, Any]
) -> None:
    assert listed(boss) == sorted(ids_of(*everywhere.values()), reverse=True)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        *((each, {each}) for each in ("succeeded", "failed", "expired", "cancelled")),
        *((each, {each}) for each in ("running", "ready", "deferred")),
        ("lost", set()),
        ("finished", {"succeeded", "failed", "expired", "cancelled"}),
        ("failures", {"failed", "expired"}),
    ],
)
def test_state_narrows(
    boss: Client, everywhere: dict[str, Any], state: str, found: set[str]
) -> None:
    expected = {everywhere[each].id for each in found}
    assert set(listed(boss, state=state)) == expected


@pytest.mark.parametrize(
    ("terms", "found"),
    [
        ({"queue": "mail"}, {"running"}),
        ({"queue": "mail", "state": "ready"}, set()),
        ({"queue": "default", "state": "ready"}, {"ready"}),
        ({"queue": "default", "state": "deferred"}, {"deferred"}),
        ({"queue": "default", "state": "succeeded"}, {"succeeded"}),
        ({"task": tasks.blunder.module_path}, {"failed"}),
        ({"task": tasks.blunder.module_path, "state": "finished"}, {"failed"}),
        ({"task": tasks.greet.module_path, "state": "running"}, {"running"}),
        ({"exception": "builtins.LookupError"}, {"failed"}),
        ({"exception": "LookupError"}, {"failed"}),
        ({"exception": "LookupError", "state": "expired"}, set()),
        ({"exception": "KeyError", "state": "finished"}, set()),
        (
            {"exception": "builtins.LookupError", "task": tasks.blunder.module_path},
            {"failed"},
        ),
        ({"worker": "worker-1"}, {"succeeded", "failed", "expired", "running"}),
        ({"worker": "worker-1", "state": "running"}, {"running"}),
        ({"worker": "worker-1", "state": "failures"}, {"failed", "expired"}),
        ({"worker": "worker-2"}, set()),
        ({"q": "waiting"}, {"ready"}),
        ({"q": "name=later"}, {"deferred"}),
        ({"q": "waiting", "state": "deferred"}, set()),
        ({"q": "LATER", "state": "deferred"}, {"deferred"}),
    ],
)
def test_terms_narrow(
    boss: Client, everywhere: dict[str, Any], terms: Any, found: set[str]
) -> None:
    assert set(listed(boss, **terms)) == {everywhere[each].id for each in found}


def test_time_of_the_enqueue_narrows(boss: Client, everywhere: dict[str, Any]) -> None:
    minute = timedelta(minutes=1)
    before, after = (f"{timezone.now() + n * minute:%Y-%m-%dT%H:%M}" for n in (-1, 1))
    assert len(listed(boss, since=before, until=after)) == len(everywhere)
    assert listed(boss, since=after) == []
    assert listed(boss, until=before) == []


def test_schedule_narrows_by_its_ticks(boss: Client, worker: InlineWorker) -> None:
    first = tasks.greet.enqueue("a")
    tasks.greet.enqueue("b")
    schedule = Schedule.objects.create(name="daily", task_path="x")
    Tick.objects.create(
        schedule=schedule,
        due_at=timezone.now(),
        ticked_at=timezone.now(),
        outcome="enqueued",
        job_id=first.id,
    )
    assert listed(boss, schedule=schedule.pk) == [first.id]
    assert listed(boss, schedule=schedule.pk, queue="mail") == []
    assert listed(boss, schedule=schedule.pk + 1) == []


@pytest.mark.parametrize("length", [8, 13, 35, 36])
def test_beginning_of_an_id_leads_to_its_job(
    boss: Client, everywhere: dict[str, Any], length: int
) -> None:
    job = everywhere["failed"]
    assert job.id in listed(boss, q=job.id[:length])
    assert listed(boss, q=str(uuid4())) == []


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("user_id=7", True),
        ("user_id = 7", True),
        ("user_id=77", False),
        ("name=o'brien", True),
        ('name="o\'brien"', True),
        ("name=brien", False),
        ("colour=red", True),
        ("colour=blue", False),
        ("o'brien", True),
        ("O'BRIEN", True),
        # Quotes are looked for as such: there are none in the values.
        ('"user_id":7', False),
        ("nothing like it", False),
    ],
)
def test_arguments_are_searched(
    boss: Client, worker: InlineWorker, text: str, fits: bool
) -> None:
    task = tasks.greet.using(metadata={"colour": "red"})
    job = task.enqueue("o'brien", user_id=7)
    tasks.greet.enqueue("other", user_id=8)
    expected = [job.id] if fits else []
    assert listed(boss, q=text) == expected


def test_umlauts_quotes_and_wildcards_are_plain_text(
    boss: Client, worker: InlineWorker
) -> None:
    jobs = {
        text: tasks.greet.enqueue(text) for text in ('a "b"', "ÄÖ", "50%", "c_d", "\\n")
    }
    tasks.greet.enqueue("cxd")
    for text, job in jobs.items():
        assert listed(boss, q=text) == [job.id], text


def test_sensitive_values_are_not_found(boss: Client, worker: InlineWorker) -> None:
    job = tasks.log_in.enqueue("ada", "hunter2")
    named = tasks.log_in.enqueue("bob", password="hunter2")
    assert listed(boss, q="hunter2") == []
    assert listed(boss, q="password=hunter2") == []
    assert listed(boss, q="name=ada") == [job.id]
    assert listed(boss, q="bob") == [named.id]


def test_job_that_is_hidden_as_a_whole_is_looked_past(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.using(metadata={"name": "ada"}).enqueue("ada")
    Job.objects.filter(pk=job.id).update(sensitive=True)
    assert listed(boss, q="name=ada") == []
    assert listed(boss, q="ada") == []


@pytest.mark.django_db
def test_search_does_not_tell_that_sensitive_values_are_there() -> None:
    visible = tasks.greet.enqueue("hunter2")
    values = [(("ada", "hunter2"), {}) for _ in range(2 * search.PAGE + 5)]
    tasks.log_in.enqueue_many(values)
    page = find("default", Terms(text="hunter2"), seconds=60)
    assert [str(line.id) for line in page.lines] == [visible.id]
    # It ends as it does where no job holds the value.
    assert (page.older, page.cut) == (None, False)


def test_pages_follow_each_other(boss: Client, worker: InlineWorker) -> None:
    tasks.greet.enqueue_many([((str(n),), {}) for n in range(search.PAGE + 5)])
    first = boss.get(LIST)
    page = first.context["page"]
    assert len(page.lines) == search.PAGE
    assert not page.cut
    assert f"before={page.older}" in text_of(first)
    rest = listed(boss, before=page.older)
    assert len(rest) == 5
    assert not set(rest) & {str(line.id) for line in page.lines}
    assert "Older" not in text_of(boss.get(f"{LIST}?before={page.older}"))


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "needle"])
def test_search_stops_where_it_takes_too_long_and_goes_on_there(text: str) -> None:
    needles = tasks.greet.using(queue_name="mail").enqueue_many(
        [(("needle",), {}) for _ in range(3)]
    )
    tasks.greet.enqueue_many([(("hay",), {}) for _ in range(30)])
    terms = Terms(text=text) if text else Terms(queue="mail")
    page = find("default", terms, seconds=60, windows=(10, 10))
    assert (page.lines, page.cut, page.looked) == ([], True, 20)
    assert page.older is not None
    page = find("default", terms, page.older, seconds=60, windows=(10, 10))
    assert [str(line.id) for line in page.lines] == ids_of(*reversed(needles))
    assert (page.older, page.cut) == (None, False)


@pytest.mark.django_db
def test_search_goes_on_where_its_page_was_full() -> None:
    jobs = tasks.greet.using(queue_name="mail").enqueue_many(
        [((str(n),), {}) for n in range(10)]
    )
    found: list[str] = []
    before = None
    for _ in range(20):
        page = find("default", Terms(queue="mail"), before, 3, windows=(4, 4))
        found += [str(line.id) for line in page.lines]
        before = page.older
        if before is None:
            break
    assert found == ids_of(*reversed(jobs))


@pytest.mark.django_db
def test_search_begins_no_window_when_its_time_is_up() -> None:
    tasks.greet.enqueue_many([(("hay",), {}) for _ in range(30)])
    page = find("default", Terms(queue="mail"), windows=(5, 5, 5), seconds=0)
    assert page.looked == 5


def test_cut_search_says_so_and_offers_to_go_on(
    boss: Client, worker: InlineWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks.greet.enqueue_many([(("hay",), {}) for _ in range(30)])
    monkeypatch.setattr(find, "__kwdefaults__", {"windows": (10,), "seconds": 1.0})
    text = text_of(boss.get(f"{LIST}?q=needle"))
    assert "looked at 10 jobs and stopped there" in text
    assert "Search on" in text


QUERIES = [
    {},
    {"state": "ready"},
    {"state": "finished"},
    {"state": "failed", "task": "x"},
    {"queue": "mail", "task": "x", "worker": "y", "q": "z"},
    {"state": "failures", "task": "x", "exception": "builtins.ValueError"},
    {"schedule": 1},
]


@pytest.mark.parametrize("terms", QUERIES, ids=str)
def test_page_takes_few_statements_however_many_jobs(
    boss: Client, worker: InlineWorker, terms: Any
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            listed(boss, **terms)
        return len(queries)

    before = statements()
    tasks.greet.enqueue_many([((str(n),), {}) for n in range(60)])
    worker.run_all()
    tasks.blunder.enqueue_many([((), {}) for _ in range(60)])
    worker.run_ready()
    assert statements() <= before + 2 < 20


BAD: list[tuple[dict[str, Any], str]] = [
    ({"state": "sleeping"}, "Select a valid choice"),
    ({"schedule": "daily"}, "Enter a whole number"),
    ({"schedule": 2**70}, "less than or equal"),
    ({"since": "yesterday"}, "Enter a valid date"),
    ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "must be after"),
    ({"queue": "x" * 129}, "at most 128 characters"),
    ({"q": "x" * 201}, "at most 200 characters"),
    ({"q": "a\0b"}, "Null characters are not allowed"),
    ({"exception": "ValueError", "state": "ready"}, "have an exception"),
    ({"state": "sleeping", "exception": "x"}, "Select a valid choice"),
]


@pytest.mark.once
@pytest.mark.parametrize(("terms", "words"), BAD, ids=str)
def test_filter_that_cannot_be_is_told_in_words(
    boss: Client, worker: InlineWorker, terms: Any, words: str
) -> None:
    tasks.greet.enqueue("x")
    assert listed(boss, **terms) == []
    text = text_of(boss.get(LIST, terms))
    assert words in text
    assert "The filter cannot be as it is" in text


@pytest.mark.once
@pytest.mark.parametrize(
    "terms",
    [
        {"since": "0001-01-01T00:00"},
        {"until": "9999-12-31T23:59"},
        {"q": "zzzzzzzz-zz"},
        {"q": "01234567-"},
        {"q": "=" * 50},
        {"q": "%_\\"},
        {"q": "a=" + "9" * 100},
        {"q": "<script>"},
        {"task": "'; DROP TABLE django_bgtasks_job; --"},
        {"unknown": "x"},
    ],
    ids=str,
)
def test_odd_filter_is_no_error(boss: Client, worker: InlineWorker, terms: Any) -> None:
    tasks.greet.enqueue("x")
    text_of(boss.get(LIST, terms))


def test_place_in_the_list_that_is_none_is_told(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("x")
    response = boss.get(LIST, {"before": "nowhere"})
    assert "no place in the list" in text_of(response)
    assert [str(line.id) for line in response.context["page"].lines] == [job.id]


def test_states_are_counted_up_to_a_bound(
    boss: Client, everywhere: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_bgtasks.admin.job_list._MOST", 3)
    found = {
        each["value"]: str(each["count"]) for each in boss.get(LIST).context["states"]
    }
    assert found["ready"] == "1"
    assert found["finished"] == "3+"


def test_list_is_for_those_who_may_see_jobs(staff: Callable[..., Client]) -> None:
    assert staff().get(LIST).status_code == 403
    assert staff("view_job").get(LIST).status_code == 200
    assert Client().get(LIST).status_code == 302


def test_who_may_not_see_arguments_may_not_search_them(
    staff: Callable[..., Client], worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("needle")
    client = staff("view_job")
    text = text_of(client.get(LIST, {"q": "needle"}))
    assert "ids only" in text
    assert job.id not in text
    assert job.id in text_of(client.get(LIST, {"q": job.id}))


def test_list_refreshes_itself_by_its_fragment(
    boss: Client, worker: InlineWorker
) -> None:
    job = tasks.greet.enqueue("x")
    text = text_of(boss.get(LIST, headers={"X-Bgtasks-Refresh": "1"}))
    assert job.id in text
    assert "<html" not in text


def test_job_without_a_state_is_shown_as_such(
    boss: Client, worker: InlineWorker
) -> None:
    Job.objects.create(
        id=uuid7(),
        task_path="gone.task",
        backend="elsewhere",
        queue_name="q",
        args=[],
        kwargs={},
        enqueued_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert "Nowhere" in text_of(boss.get(LIST))
    assert len(listed(boss, task="gone.task")) == 1
