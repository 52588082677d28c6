"""The status of a job as JSON: what it tells, to whom, and what it never tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.http import HttpRequest
from django.test import Client
from django.urls import NoReverseMatch

from django_bgtasks.compat import CORE
from django_bgtasks.models import Job
from django_bgtasks.site import (
    has_valid_token,
    job_events_url,
    job_status_url,
    job_token,
)
from django_bgtasks.site.snapshot import of_result
from tests.inline import InlineWorker

from .tasks import SECRET, answer, answer_with_a_pin, fail, fail_and_wait

BACKEND = "django_bgtasks.backend.DatabaseBackend"


def owner_only(request: HttpRequest, result: Any) -> bool:
    return result.metadata.get("owner") == request.headers.get("X-User")


def nobody(request: HttpRequest, result: Any) -> bool:
    raise PermissionDenied


def owner_or_token(request: HttpRequest, result: Any) -> bool:
    return owner_only(request, result) or has_valid_token(request, result)


async def unfit(request: HttpRequest, result: Any) -> bool:
    return False


no_function = "a text"


def told(url: str, **headers: str) -> Any:
    response = Client().get(url, headers=headers)
    assert response.status_code == 200, response.content
    return response.json()


def refused(url: str, status: int, **headers: str) -> str:
    """Return the words of an answer that refuses."""
    response = Client().get(url, headers=headers)
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])


def without_token(result: Any) -> str:
    return f"/tasks/{result.id}/status/"


def with_token(result: Any, token: str) -> str:
    return f"{without_token(result)}?token={token}"


def test_status_follows_the_job_to_its_end(
    worker: InlineWorker, tell_progress: Callable[..., None]
) -> None:
    result = answer.enqueue()
    url = job_status_url(result)
    waiting = told(url)
    assert waiting["id"] == result.id
    assert (waiting["status"], waiting["state"]) == ("READY", "ready")
    assert (waiting["finished"], waiting["outcome"]) == (False, None)
    assert (waiting["progress"], waiting["attempts"]) == (None, 0)
    assert waiting["enqueued_at"].endswith("Z")
    assert waiting["started_at"] is waiting["finished_at"] is None

    job = worker.claim_one()
    tell_progress(result, 3, 12)
    running = told(url)
    assert (running["status"], running["state"]) == ("RUNNING", "running")
    assert running["progress"] == {"done": 3, "total": 12, "percent": 25}
    assert (running["attempts"], running["cancel_requested"]) == (1, False)
    assert running["started_at"] >= waiting["enqueued_at"]
    result.cancel()
    assert told(url)["cancel_requested"] is True

    worker.run(job)
    finished = told(url)
    assert finished["finished"] is True
    assert finished["outcome"] == finished["state"]
    assert finished["finished_at"] >= finished["started_at"]


def test_status_says_when_a_job_is_due(worker: InlineWorker) -> None:
    later = told(job_status_url(answer.using(run_after=timedelta(hours=1)).enqueue()))
    assert (later["status"], later["state"]) == ("READY", "deferred")
    assert later["run_after"] > later["enqueued_at"]

    again = fail_and_wait.enqueue(SECRET)
    worker.run_ready()
    waiting = told(job_status_url(again))
    assert (waiting["status"], waiting["state"]) == ("READY", "deferred")
    assert waiting["attempts"] == 1


def test_moments_say_their_zone_without_use_tz(settings: Any, db: None) -> None:
    settings.USE_TZ = False
    assert told(job_status_url(answer.enqueue()))["enqueued_at"].endswith("Z")
    settings.TIME_ZONE = "Asia/Kathmandu"
    noon = replace(of_result(answer.enqueue()), enqueued_at=datetime(2026, 1, 1, 12))
    assert noon.as_json()["enqueued_at"] == "2026-01-01T06:15:00Z"


@pytest.mark.parametrize("task", [answer, fail, fail_and_wait])
def test_status_takes_one_statement(
    task: Any, worker: InlineWorker, django_assert_num_queries: Any
) -> None:
    url = job_status_url(task.enqueue(SECRET))
    for _ in range(2):
        with django_assert_num_queries(1):
            told(url)
        worker.run_ready()


@pytest.mark.parametrize("task", [answer, fail, fail_and_wait])
@pytest.mark.parametrize("view", [job_status_url, job_events_url])
def test_holder_of_a_token_learns_no_argument_and_no_error(
    task: Any,
    view: Callable[[Any], str],
    worker: InlineWorker,
    options: Callable[..., None],
) -> None:
    options(STATUS_STREAM=0.01)
    result = task.using(metadata={"note": SECRET}).enqueue(SECRET)
    for _ in range(2):
        text = Client().get(view(result)).getvalue().decode()
        assert result.id in text
        for hidden in (SECRET, "RuntimeError", "Traceback", "tests.site", "worker-1"):
            assert hidden not in text
        worker.run_ready()


def test_return_value_is_told_to_who_was_granted_it(worker: InlineWorker) -> None:
    result = answer.enqueue({"link": "/reports/1/"})
    granted = job_status_url(result, return_value=True)
    assert told(granted)["return_value"] is None
    worker.run_ready()
    assert told(granted)["return_value"] == {"link": "/reports/1/"}
    assert "return_value" not in told(job_status_url(result))


def test_sensitive_part_of_a_return_value_is_told_to_nobody(
    worker: InlineWorker,
) -> None:
    result = answer_with_a_pin.enqueue()
    worker.run_ready()
    told_value = told(job_status_url(result, return_value=True))["return_value"]
    assert told_value == {"name": "Ada", "pin": "********"}
    text = Client().get(job_events_url(result, return_value=True)).getvalue().decode()
    assert "Ada" in text
    assert SECRET not in text


def test_answers_are_kept_by_no_cache(db: None, options: Callable[..., None]) -> None:
    options(STATUS_STREAM=0.01)
    result = answer.enqueue()
    for url in (
        *(job_status_url(result), without_token(result)),
        *(job_events_url(result), "/tasks/no-id/status/"),
    ):
        response = Client().get(url)
        assert "no-store" in response["Cache-Control"], url
        assert "private" in response["Cache-Control"], url
        assert response.getvalue()


@pytest.mark.parametrize("view", ["status", "events"])
def test_token_that_does_not_fit_is_refused(view: str, db: None) -> None:
    result, other = answer.enqueue(), answer.enqueue()
    good = job_token(result)
    content, _, signature = good.partition(":")
    for token in (
        *("", "nonsense", "a:b:c", "\0", "ü", "x" * 5000),
        *(job_token(other), f"{job_token(other).partition(':')[0]}:{signature}"),
        *(good[:-1], good.upper(), content, f"{good}x"),
    ):
        url = f"/tasks/{result.id}/{view}/?token={token}"
        assert "not valid for this job" in refused(url, 403), token
    assert "not valid" in refused(f"/tasks/{result.id}/{view}/", 403)


def test_token_of_another_key_is_refused(db: None, settings: Any) -> None:
    url = job_status_url(answer.enqueue())
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert "not valid" in refused(url, 403)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert told(url)


@pytest.mark.parametrize(
    ("given", "age"), [({}, 86400), ({"STATUS_TOKEN_AGE": "2h"}, 7200)]
)
def test_token_expires(
    given: Any,
    age: int,
    db: None,
    options: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options(**given)
    url = job_status_url(answer.enqueue())
    now = time.time()
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + age - 5)
    assert told(url)
    monkeypatch.setattr("django.core.signing.time.time", lambda: now + age + 5)
    assert "expired" in refused(url, 403)
    assert "expired" in refused(url.replace("/status/", "/events/"), 403)


def test_who_holds_no_token_does_not_learn_which_jobs_there_are(
    db: None, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        words = refused(f"/tasks/{uuid4()}/status/", 403)
    assert refused(without_token(answer.enqueue()), 403) == words


def test_job_that_is_gone_is_not_found(db: None) -> None:
    result = answer.enqueue()
    url, events = job_status_url(result), job_events_url(result)
    Job.objects.filter(pk=result.id).delete()
    assert "no longer kept" in refused(url, 404)
    assert "no longer kept" in refused(events, 404)


@pytest.mark.parametrize("view", ["status", "events"])
@pytest.mark.parametrize("text", ["x", "1", "%00", "%22%3E", "..%2e", "9" * 300, "ü"])
def test_text_that_is_no_id_is_not_found(text: str, view: str, db: None) -> None:
    assert "no such job" in refused(f"/tasks/{text}/{view}/", 404)


@pytest.mark.parametrize("alias", ["", "missing", "elsewhere", "\0"])
def test_backend_that_is_none_of_ours_is_not_found(
    alias: str, db: None, settings: Any
) -> None:
    package = "django.tasks" if CORE else "django_tasks"
    dummy = {"BACKEND": f"{package}.backends.dummy.DummyBackend"}
    settings.TASKS = {**settings.TASKS, "elsewhere": dummy}
    result = answer.enqueue()
    url = f"{job_status_url(result)}&backend={alias}"
    assert "no such job" in refused(url, 404)


def test_job_of_a_second_backend_is_asked_for_there(db: None, settings: Any) -> None:
    settings.TASKS = {**settings.TASKS, "second": {"BACKEND": BACKEND}}
    result = answer.using(backend="second").enqueue()
    url = job_status_url(result)
    assert parse_qs(urlsplit(url).query)["backend"] == ["second"]
    assert told(url)["id"] == result.id
    assert refused(url.replace("backend=second", "backend=default"), 403)


def test_backend_with_a_lax_permission_does_not_show_the_jobs_of_another(
    db: None, settings: Any
) -> None:
    lax = {"BACKEND": BACKEND, "OPTIONS": {"STATUS_PERMISSION": lambda *given: True}}
    settings.TASKS = {**settings.TASKS, "lax": lax}
    result = answer.enqueue()
    assert refused(f"{without_token(result)}?backend=lax", 404)
    ours = answer.using(backend="lax").enqueue()
    assert told(f"{without_token(ours)}?backend=lax")["id"] == ours.id


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_pages_change_nothing(method: str, db: None) -> None:
    result = answer.enqueue()
    for url in (job_status_url(result), job_events_url(result)):
        assert getattr(Client(), method)(url).status_code == 405


def test_own_permission_decides_in_place_of_tokens(
    db: None, options: Callable[..., None]
) -> None:
    options(STATUS_PERMISSION=f"{__name__}.owner_only")
    result = answer.using(metadata={"owner": "ada"}).enqueue()
    url = without_token(result)
    assert told(url, **{"X-User": "ada"})["id"] == result.id
    assert "may not see" in refused(url, 403, **{"X-User": "eve"})
    assert "may not see" in refused(job_status_url(result), 403)
    assert refused(f"/tasks/{uuid4()}/status/", 404, **{"X-User": "ada"})


def test_own_permission_may_refuse_by_exception(
    db: None, options: Callable[..., None]
) -> None:
    options(STATUS_PERMISSION=nobody)
    assert "may not see" in refused(job_status_url(answer.enqueue()), 403)


def test_own_permission_may_let_tokens_in_as_well(
    worker: InlineWorker, options: Callable[..., None]
) -> None:
    options(STATUS_PERMISSION=owner_or_token)
    result = answer.using(metadata={"owner": "ada"}).enqueue("the value")
    worker.run_ready()
    assert "return_value" not in told(without_token(result), **{"X-User": "ada"})
    assert told(job_status_url(result))
    granted = job_status_url(result, return_value=True)
    assert told(granted)["return_value"] == "the value"
    assert refused(with_token(result, job_token(answer.enqueue())), 403)


@pytest.mark.parametrize("name", ["missing", "unfit", "no_function"])
def test_permission_that_cannot_be_is_found_by_the_checks(
    name: str, options: Callable[..., None]
) -> None:
    options(STATUS_PERMISSION=f"{__name__}.{name}")
    with pytest.raises(SystemCheckError) as caught:
        call_command("check")
    assert "django_bgtasks.E002" in str(caught.value)
    assert "STATUS_PERMISSION" in str(caught.value)
    assert name in str(caught.value) or name == "no_function"


def test_site_without_the_pages_says_what_to_add(settings: Any, db: None) -> None:
    settings.ROOT_URLCONF = "tests.urls"
    with pytest.raises(NoReverseMatch, match=r"include\('django_bgtasks.urls'\)"):
        job_status_url(answer.enqueue())
