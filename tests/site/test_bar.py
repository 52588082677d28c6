"""The template tag: what a page shows of a job before any script runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders
from django.template import engines
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.utils import translation

from django_bgtasks import BgTaskResult
from django_bgtasks.compat import CORE, TaskResultStatus
from django_bgtasks.models import Job, OutcomeKind
from tests.inline import InlineWorker

from .tasks import answer, fail


class Bar(HTMLParser):
    """What a browser would see: elements with their attributes and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.elements: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, str] = {}
        self.stack: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = str(found.get("class") or tag)
        self.elements[name] = found
        self.stack.append(name)

    def handle_endtag(self, tag: str) -> None:
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        if self.stack and data.strip():
            self.texts[self.stack[-1]] = data.strip()

    @property
    def root(self) -> dict[str, str | None]:
        return self.elements["bgtasks-progress"]

    @property
    def progress(self) -> dict[str, str | None]:
        return self.elements["progress"]

    @property
    def state(self) -> str:
        return self.texts["bgtasks-state"]

    @property
    def count(self) -> str:
        return self.texts.get("bgtasks-count", "")


def draw(job: Any, arguments: str = "", **context: Any) -> Bar:
    text = f"{{% load bgtasks %}}{{% job_progress job {arguments} %}}"
    template = engines["django"].from_string(text)
    request = context.pop("request", RequestFactory().get("/"))
    return Bar(template.render({"job": job, **context}, request))


def test_bar_shows_where_the_job_is(
    worker: InlineWorker, tell_progress: Callable[..., None]
) -> None:
    result = answer.enqueue()
    waiting = draw(result)
    assert (waiting.root["data-state"], waiting.state) == ("ready", "Waiting")
    assert (waiting.progress["value"], waiting.count) == ("0", "")

    job = worker.claim_one()
    result.refresh()
    unknown = draw(result)
    assert (unknown.root["data-state"], unknown.state) == ("running", "Running")
    assert "value" not in unknown.progress, "Of an unknown length, it swings."

    tell_progress(result, 3, 12)
    result.refresh()
    running = draw(result)
    assert (running.progress["value"], running.progress["max"]) == ("25.0", "100")
    assert running.count == "3 of 12"

    worker.run(job)
    result.refresh()
    done = draw(result)
    assert done.state == "Succeeded"
    assert done.progress["value"] == done.progress["max"]


def test_bar_of_a_failed_job_stays_where_it_was(
    worker: InlineWorker, tell_progress: Callable[..., None]
) -> None:
    result = fail.enqueue("x")
    job = worker.claim_one()
    tell_progress(result, 1, 2)
    worker.run(job)
    bar = draw(result.id)
    assert (bar.state, bar.progress["value"], bar.count) == ("Failed", "50.0", "1 of 2")


def test_bar_can_be_read_by_everybody(db: None) -> None:
    bar = draw(answer.enqueue(), 'label="Your report"')
    assert bar.progress["aria-label"] == "Your report"
    assert bar.elements["bgtasks-state"]["role"] == "status"
    # The numbers change too often to be read aloud.
    assert "role" not in bar.elements["bgtasks-count"]
    assert draw(answer.enqueue()).progress["aria-label"] == "Progress"


def test_page_holds_no_script_of_its_own(db: None) -> None:
    bar = draw(answer.enqueue())
    script = bar.elements["script"]
    assert "script" not in bar.texts
    assert script["type"] == "module"
    names = {name for each in bar.elements.values() for name in each}
    assert not [each for each in names if each == "style" or each.startswith("on")]
    for address in (script["src"], bar.elements["link"]["href"]):
        assert finders.find(str(address).removeprefix("/static/"))


def test_label_is_no_markup(db: None) -> None:
    bar = draw(answer.enqueue(), "label=label", label='"><script>alert(1)</script>')
    assert bar.progress["aria-label"] == '"><script>alert(1)</script>'
    assert "<script>alert" not in bar.html


@pytest.mark.parametrize("form", [lambda r: r.id, lambda r: Job.objects.get().pk])
def test_id_will_do(
    form: Callable[[Any], Any], worker: InlineWorker, django_assert_num_queries: Any
) -> None:
    result = answer.enqueue()
    worker.run_ready()
    given = form(result)
    with django_assert_num_queries(1):
        assert draw(given).state == "Succeeded"
    with django_assert_num_queries(0):
        assert draw(result).state == "Waiting", "A result is a picture of its moment."


@pytest.mark.parametrize("given", [uuid4(), str(uuid4()), "nonsense", "", None, 7])
def test_job_that_there_is_not_breaks_no_page(given: Any, db: None) -> None:
    bar = draw(given)
    assert (bar.root["data-state"], bar.state) == ("gone", "No longer kept")
    assert "data-status-url" not in bar.root
    assert "script" not in bar.elements


def test_job_of_another_backend_needs_its_name(db: None, settings: Any) -> None:
    second = {"BACKEND": "django_bgtasks.backend.DatabaseBackend"}
    settings.TASKS = {**settings.TASKS, "second": second}
    result = answer.using(backend="second").enqueue()
    assert draw(result.id).state == "No longer kept"
    bar = draw(result.id, 'backend="second"')
    assert Client().get(bar.root["data-status-url"]).json()["id"] == result.id


def test_addresses_of_the_bar_open_its_job_only(worker: InlineWorker) -> None:
    result = answer.enqueue("the value")
    plain, granted = draw(result), draw(result, "return_value=True stream=True")
    worker.run_ready()
    told = Client().get(plain.root["data-status-url"]).json()
    assert told["id"] == result.id
    assert "return_value" not in told
    told = Client().get(granted.root["data-status-url"]).json()
    assert told["return_value"] == "the value"
    stream = Client().get(granted.root["data-events-url"]).getvalue().decode()
    assert '"return_value": "the value"' in stream


def test_finished_job_is_not_followed(worker: InlineWorker) -> None:
    result = answer.enqueue()
    worker.run_ready()
    bar = draw(result.id, "stream=True")
    assert "data-status-url" not in bar.root
    assert "script" not in bar.elements


@pytest.mark.parametrize(
    ("factory", "arguments", "streams"),
    [
        (RequestFactory, "", False),
        (RequestFactory, "stream=True", True),
        (AsyncRequestFactory, "", True),
        (AsyncRequestFactory, "stream=False", False),
    ],
)
def test_stream_is_for_asgi_unless_asked_for(
    factory: Any, arguments: str, streams: bool, db: None
) -> None:
    bar = draw(answer.enqueue(), arguments, request=factory().get("/"))
    assert ("data-events-url" in bar.root) == streams


def test_site_without_streams_offers_none(
    db: None, options: Callable[..., None]
) -> None:
    options(STATUS_STREAM=0)
    assert "data-events-url" not in draw(answer.enqueue(), "stream=True").root


def test_job_of_a_foreign_backend_is_shown_as_it_is(settings: Any, db: None) -> None:
    package = "django.tasks" if CORE else "django_tasks"
    immediate = {"BACKEND": f"{package}.backends.immediate.ImmediateBackend"}
    settings.TASKS = {**settings.TASKS, "foreign": immediate}
    result = answer.using(backend="foreign").enqueue()
    assert not isinstance(result, BgTaskResult)
    assert draw(result).state == "Succeeded"
    object.__setattr__(result, "status", TaskResultStatus.RUNNING)
    running = draw(result)
    assert running.state == "Running"
    assert "data-status-url" not in running.root


@pytest.mark.parametrize(
    ("language", "done", "total", "count"),
    [
        ("en", 1234, 5678, "1,234 of 5,678"),
        ("en", 0.5, 2.25, "0.5 of 2.25"),
        ("de", 1234.5, 5678, "1.234,5 von 5.678"),
        ("en", 1e300, None, None),
        ("en", 7, None, "7"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    language: str,
    done: float,
    total: float | None,
    count: str | None,
    db: None,
    tell_progress: Callable[..., None],
) -> None:
    result = answer.enqueue()
    tell_progress(result, done, total)
    with translation.override(language):
        drawn = draw(result.id)
    assert drawn.count == count or count is None
    assert drawn.count


def test_script_has_words_for_every_state(db: None) -> None:
    words = json.loads(str(draw(answer.enqueue()).root["data-words"]))
    states = {"ready", "deferred", "running", "gone", "refused", *OutcomeKind.values}
    assert set(words) == {*states, "count"}
    assert "{done}" in words["count"]
    assert "{total}" in words["count"]


def test_files_are_in_the_package() -> None:
    import django_bgtasks

    folder = Path(django_bgtasks.__file__).parent / "static" / "django_bgtasks"
    assert {"job_progress.js", "job_progress.css"} <= {
        each.name for each in folder.iterdir()
    }
