"""Signed, expiring tokens: who holds one may follow one job, and act on none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.urls import NoReverseMatch, reverse

from ..compat import DEFAULT_TASK_BACKEND_ALIAS, task_backends
from ..conf import Options

_SALT = "django_bgtasks.site"


class BadToken(Exception):
    """A token that was not made for this job, or not by this site."""


class ExpiredToken(BadToken):
    """A token that is too old."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets its holder see beside the state of the job."""

    return_value: bool = False


def job_token(result: Any, *, return_value: bool = False) -> str:
    """Return a token that lets its holder follow this job, and nothing else.

    It expires after OPTIONS["STATUS_TOKEN_AGE"]. With ``return_value`` its holder
    may also see what the task returned. Give it to those only who may know.
    """
    content = [result.backend, str(result.id), int(return_value)]
    return signing.dumps(content, salt=_SALT)


def job_status_url(result: Any, *, return_value: bool = False) -> str:
    """Return the path, token included, of a job's status as JSON.

    Raise NoReverseMatch if ``django_bgtasks.urls`` is in no URLconf.
    """
    return _url("status", result, return_value)


def job_events_url(result: Any, *, return_value: bool = False) -> str:
    """Return the path, token included, of a job's stream of server-sent events.

    Raise NoReverseMatch if ``django_bgtasks.urls`` is in no URLconf.
    """
    return _url("events", result, return_value)


def has_valid_token(request: Any, result: Any) -> bool:
    """Tell whether a request carries a token for this job that has not expired.

    For a STATUS_PERMISSION of your own that lets token holders in as well.
    """
    options = options_of(result.backend)
    if options is None:
        return False
    try:
        read_token(
            request.GET.get("token", ""),
            result.backend,
            str(result.id),
            options.status_token_age,
        )
    except BadToken:
        return False
    return True


def read_token(token: str, backend: str, job_id: str, age: timedelta) -> Grant:
    """Return what a token grants. Raise BadToken, or ExpiredToken."""
    try:
        content = signing.loads(token, salt=_SALT, max_age=age)
    except signing.SignatureExpired as error:
        raise ExpiredToken from error
    except signing.BadSignature as error:
        raise BadToken from error
    if content[:2] != [backend, job_id]:
        raise BadToken
    return Grant(return_value=bool(content[2]))


def options_of(alias: str) -> Options | None:
    """Return the settings of a backend of this package, or None for any other."""
    if alias not in task_backends.settings:
        return None
    options = getattr(task_backends[alias], "settings", None)
    return options if isinstance(options, Options) else None


def _url(view: str, result: Any, return_value: bool) -> str:
    try:
        path = reverse(f"django_bgtasks:{view}", args=[str(result.id)])
    except NoReverseMatch as error:
        raise NoReverseMatch(
            "The pages of jobs are in no URLconf. Add to your urlpatterns: "
            "path('tasks/', include('django_bgtasks.urls'))"
        ) from error
    query = {"token": job_token(result, return_value=return_value)}
    if result.backend != DEFAULT_TASK_BACKEND_ALIAS:
        query["backend"] = result.backend
    return f"{path}?{urlencode(query)}"
