"""Find the job that a request asks for, if it may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import connections
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from ..compat import (
    DEFAULT_TASK_BACKEND_ALIAS,
    TaskResultDoesNotExist,
    task_backends,
)
from ..conf import Options, permission
from . import snapshot
from .snapshot import Snapshot
from .tokens import BadToken, ExpiredToken, Grant, options_of, read_token


class Refused(Exception):
    """The request gets no job: the status of the answer, and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Found:
    """A job that a request may see, as it was when the request came."""

    job: Snapshot
    grant: Grant
    options: Options

    @property
    def place(self) -> tuple[str, bool]:
        """The database that holds the job, and whether its value is read."""
        backend: Any = task_backends[self.job.backend]
        return backend.database, self.grant.return_value

    def told(self, job: Snapshot) -> dict[str, Any]:
        return job.as_json(return_value=self.grant.return_value)

    def look(self) -> Snapshot | None:
        """Read the job anew; None if it is gone."""
        return look_at([self])[0]


def look_at(jobs: Sequence[Found]) -> list[Snapshot | None]:
    """Read jobs anew, and hold no connection until the next time.

    One statement for those of one database, return values apart.
    """
    wanted: dict[tuple[str, bool], set[UUID]] = {}
    for found in jobs:
        wanted.setdefault(found.place, set()).add(UUID(found.job.id))
    release_connections()
    try:
        read = {
            place: snapshot.read_many(place[0], job_ids, return_value=place[1])
            for place, job_ids in wanted.items()
        }
    finally:
        release_connections()
    return [_of(read[found.place], found.job) for found in jobs]


def _of(read: Mapping[UUID, Snapshot], job: Snapshot) -> Snapshot | None:
    found = read.get(UUID(job.id))
    return found if found is not None and found.backend == job.backend else None


def find(request: HttpRequest, job_id: str) -> Found:
    """Return the job. Raise Refused; a token is judged before the database is asked.

    One statement; with a STATUS_PERMISSION, one more and those of its own.
    """
    alias = request.GET.get("backend", DEFAULT_TASK_BACKEND_ALIAS)
    options = options_of(alias)
    if options is None:
        raise _missing()
    try:
        key = UUID(job_id)
    except ValueError:
        raise _missing() from None
    try:
        grant: Grant | None = read_token(
            request.GET.get("token", ""), alias, str(key), options.status_token_age
        )
        refusal = None
    except BadToken as error:
        grant, refusal = None, _refusal(error)
    if options.status_permission is not None:
        _ask_permission(request, alias, key, options)
    elif refusal is not None:
        raise refusal
    job = _read(alias, key, grant or Grant())
    if job is None:
        raise _missing()
    return Found(job, grant or Grant(), options)


def release_connections() -> None:
    """Close this thread's connections that are too old, as the end of a request does.

    One with a transaction is left alone: it is that of a test.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def permission_of(options: Options) -> Callable[..., Any]:
    """Return OPTIONS["STATUS_PERMISSION"]. Raise ImproperlyConfigured."""
    named = options.status_permission
    try:
        return permission(import_string(named) if isinstance(named, str) else named)
    except (ImportError, ValueError) as error:
        raise ImproperlyConfigured(
            f"OPTIONS['STATUS_PERMISSION'] is invalid: {error}."
        ) from error


def _ask_permission(
    request: HttpRequest, alias: str, key: UUID, options: Options
) -> None:
    """Raise Refused unless the site's own permission lets the request in."""
    backend: Any = task_backends[alias]
    try:
        result = backend.get_result(str(key))
    except TaskResultDoesNotExist:
        raise _missing() from None
    if result.backend != alias:
        raise _missing()
    try:
        allowed = permission_of(options)(request, result)
    except PermissionDenied:
        allowed = False
    if not allowed:
        raise Refused(403, _("You may not see this job."))


def _read(alias: str, key: UUID, grant: Grant) -> Snapshot | None:
    backend: Any = task_backends[alias]
    job = snapshot.read(backend.database, key, return_value=grant.return_value)
    # Two backends may share a database, each with a permission of its own.
    return job if job is not None and job.backend == alias else None


def _refusal(error: BadToken) -> Refused:
    if isinstance(error, ExpiredToken):
        return Refused(403, _("This link has expired. Load the page again."))
    return Refused(403, _("This link is not valid for this job."))


def _missing() -> Refused:
    return Refused(404, _("There is no such job, or it is no longer kept."))
