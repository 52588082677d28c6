"""What the package's pages have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.urls import NoReverseMatch, URLPattern, path, reverse

from ..backend import DatabaseBackend
from ..compat import task_backends


def database_backends() -> dict[str, DatabaseBackend]:
    """Return the backends of TASKS that are ours, by their aliases."""
    found = {alias: task_backends[alias] for alias in task_backends.settings}
    return {
        alias: backend
        for alias, backend in found.items()
        if isinstance(backend, DatabaseBackend)
    }


def database() -> str:
    """Return the alias of the database whose rows the admin shows.

    That is the one of the first backend; others may lie elsewhere.
    """
    for backend in database_backends().values():
        return backend.database
    return DEFAULT_DB_ALIAS


def utc_now() -> datetime:
    """Return the moment, aware whatever USE_TZ says."""
    return datetime.now(UTC)


def job_url(job_id: UUID) -> str:
    """Return the address of a job's page, or an empty text if the site has none."""
    try:
        return reverse("admin:django_bgtasks_job_change", args=[job_id])
    except NoReverseMatch:
        return ""


class RowsOfBackend(admin.ModelAdmin):  # type: ignore[type-arg]
    """Reads and writes the rows where the backend keeps them."""

    def paths(
        self, views: Mapping[str, tuple[str, Callable[..., Any]]]
    ) -> list[URLPattern]:
        """Return the addresses of views of the site's staff: by the last part of
        their names, each a route and a view."""
        head = f"{self.opts.app_label}_{self.opts.model_name}"
        return [
            path(route, self.admin_site.admin_view(view), name=f"{head}_{name}")
            for name, (route, view) in views.items()
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).using(database())

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        obj.save(using=database())

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.delete(using=database())


class NeverEdited(RowsOfBackend):
    """Rows that no form makes, changes or deletes: views of their own act on them."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
