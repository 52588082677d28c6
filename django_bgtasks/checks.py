"""System checks: what is wrong with the settings and the databases, and what to do.

========  ======================================================================
``E001``  an unknown key in OPTIONS
``E002``  a key of OPTIONS with a value that cannot be
``E003``  OPTIONS name a database that is not in DATABASES
``E004``  a database of a kind that is not supported
``E005``  the router keeps the tables out of the database that holds the jobs
``E006``  the backport ``django_tasks`` is missing from INSTALLED_APPS
``E007``  PostgreSQL by psycopg2
``E008``  MySQL or MariaDB under another isolation level than READ COMMITTED
``E009``  a database server that is too old
``E010``  a database that does not answer (when a worker starts)
``E011``  migrations that were not applied (when a worker starts)
``E012``  an unknown key of a schedule in SCHEDULES
``E013``  a schedule in SCHEDULES whose task does not exist
``E014``  a key of a schedule in SCHEDULES with a value that cannot be
``E015``  two schedules of one name
``W001``  another app's ``runworker`` hides ours
``W002``  the router keeps jobs apart from the default database
``W003``  SQLite without ``transaction_mode`` IMMEDIATE
``W004``  SQLite without write-ahead logging
========  ======================================================================

All ids begin with ``django_bgtasks.``. What needs a connection is looked at by
``migrate`` and ``check --database``, and by every worker before it starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db import Error as DatabaseError

from .compat import CORE, task_backends
from .conf import Options, read_options
from .registry import discover
from .vendors import vendor_of

_APP = "django_bgtasks"


def check_backend(backend: Any) -> list[CheckMessage]:
    """Check the settings of a backend. No database is asked."""
    found = [*_check_options(backend), *_check_aliases(backend)]
    found += _check_permission(backend)
    found += _check_schedules(backend)
    if _is_known(backend.database):
        found += _check_router(backend)
        found += _findings(backend.database, live=False)
    return found


def worker_problems(backend: Any) -> list[CheckMessage]:
    """Return the errors, silenced ones left out, that a worker cannot start with.

    Asks the database: for its version and settings, and for its migrations.
    """
    found = [*_check_backport(), *check_backend(backend)]
    if not any(message.is_serious() for message in found):
        try:
            found += _findings(backend.database, live=True)
            found += _check_migrations(backend.database)
        except (DatabaseError, ImproperlyConfigured) as error:
            found.append(_unreachable(backend.database, error))
    return [each for each in found if each.is_serious() and not each.is_silenced()]


@register()
def check_installation(**kwargs: Any) -> list[CheckMessage]:
    """Check what stands in INSTALLED_APPS beside the package."""
    return [*_check_backport(), *_check_runworker()]


@register(Tags.database)
def check_databases(
    databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check those of the databases that hold jobs, by asking them."""
    asked = set(databases or ()) & set(_databases_with_jobs())
    found: list[CheckMessage] = []
    for alias in sorted(asked):
        try:
            found += _findings(alias, live=True)
        except (DatabaseError, ImproperlyConfigured) as error:
            found.append(_unreachable(alias, error))
    return found


def _databases_with_jobs() -> Iterator[str]:
    backends: list[Any] = list(task_backends.all())
    for backend in backends:
        if isinstance(getattr(backend, "settings", None), Options):
            yield backend.database


def _check_options(backend: Any) -> Iterator[CheckMessage]:
    for problem in read_options(backend.options)[1]:
        yield Error(
            f"TASKS[{backend.alias!r}]['OPTIONS'][{problem.key!r}] {problem.message}.",
            hint=problem.hint,
            id=f"{_APP}.E002" if problem.known else f"{_APP}.E001",
        )


def _check_aliases(backend: Any) -> Iterator[CheckMessage]:
    named = {"DATABASE": backend.database}
    if isinstance(backend.settings.listen, str):
        named["LISTEN"] = backend.settings.listen
    for key, alias in named.items():
        if not _is_known(alias):
            yield Error(
                f"TASKS[{backend.alias!r}]['OPTIONS'][{key!r}] is {alias!r}, which is "
                f"not in DATABASES.",
                hint=f"DATABASES has: {', '.join(sorted(connections))}.",
                id=f"{_APP}.E003",
            )


def _check_permission(backend: Any) -> Iterator[CheckMessage]:
    from .site.access import permission_of

    if backend.settings.status_permission is not None:
        try:
            permission_of(backend.settings)
        except ImproperlyConfigured as error:
            yield Error(
                f"TASKS[{backend.alias!r}]: {error}",
                hint="Name a function (request, result) that returns True or False.",
                id=f"{_APP}.E002",
            )


def _check_schedules(backend: Any) -> Iterator[CheckMessage]:
    from .periodic.declaration import BadOption, NameTaken
    from .periodic.declare import from_settings, settings_key

    names = [name for name, _ in backend.settings.schedules]
    if names:
        # For the names that are declared in code. What cannot be imported is the
        # business of who imports it.
        with suppress(Exception):
            discover(backend.settings.task_modules)
    for name in names:
        try:
            from_settings(backend, name)
        except BadOption as error:
            code = "E013" if error.option == "task" else "E014"
            if error.unknown:
                code = "E012"
            elif isinstance(error, NameTaken):
                code = "E015"
            yield Error(
                f"{settings_key(backend, name)}: {error}.",
                hint=error.hint or None,
                id=f"{_APP}.{code}",
            )


def _is_known(alias: str) -> bool:
    return alias in set(connections)


def _check_router(backend: Any) -> Iterator[CheckMessage]:
    from .models import Job

    alias = backend.database
    if not router.allow_migrate_model(alias, Job):
        yield Error(
            f"TASKS[{backend.alias!r}]: its jobs belong into the database {alias!r}, "
            f"but DATABASE_ROUTERS keep the tables of {_APP} out of it.",
            hint=f"Let allow_migrate() of the router agree to ({alias!r}, {_APP!r}).",
            id=f"{_APP}.E005",
        )
    if backend.settings.database is None and alias != DEFAULT_DB_ALIAS:
        yield checks.Warning(
            f"TASKS[{backend.alias!r}]: DATABASE_ROUTERS send its jobs to the database "
            f"{alias!r}, so an enqueue is in no transaction of {DEFAULT_DB_ALIAS!r}: "
            f"the job runs although the data is rolled back.",
            hint=f"Send {_APP} to the database that your data is in. If it is meant "
            f"so, say it with OPTIONS['DATABASE'] = {alias!r}.",
            id=f"{_APP}.W002",
        )


def _findings(alias: str, *, live: bool) -> Iterable[CheckMessage]:
    try:
        vendor = vendor_of(connections[alias])
    except ImproperlyConfigured as error:
        yield Error(str(error), id=f"{_APP}.E004")
        return
    for code, message, hint in vendor.findings(live=live):
        kind = Error if code.startswith("E") else checks.Warning
        yield kind(message, hint=hint, id=f"{_APP}.{code}")


def _unreachable(alias: str, error: Exception) -> CheckMessage:
    return Error(
        f"The database {alias!r}, which holds the jobs, does not answer: "
        f"{str(error).strip()}",
        hint=f"Is the server running, and is DATABASES[{alias!r}] right?",
        id=f"{_APP}.E010",
    )


def _check_migrations(alias: str) -> Iterator[CheckMessage]:
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connections[alias])
    targets = executor.loader.graph.leaf_nodes(_APP)
    missing = [migration.name for migration, _ in executor.migration_plan(targets)]
    if missing:
        yield Error(
            f"The database {alias!r} lacks migrations of {_APP}: {', '.join(missing)}.",
            hint="Run: manage.py migrate"
            + ("" if alias == DEFAULT_DB_ALIAS else f" --database {alias}"),
            id=f"{_APP}.E011",
        )


def _check_backport() -> Iterator[CheckMessage]:
    if not CORE and not apps.is_installed("django_tasks"):
        yield Error(
            "'django_tasks' is missing from INSTALLED_APPS. On this version of Django "
            "it carries the Tasks framework.",
            hint="Add 'django_tasks' to INSTALLED_APPS.",
            id=f"{_APP}.E006",
        )


def _check_runworker() -> Iterator[CheckMessage]:
    owner = get_commands().get("runworker")
    if isinstance(owner, str) and owner != _APP:
        yield checks.Warning(
            f"The command 'runworker' is that of {owner!r}, which stands before "
            f"{_APP!r} in INSTALLED_APPS.",
            hint=f"Start workers by 'manage.py bgtasks worker', or put {_APP!r} first.",
            id=f"{_APP}.W001",
        )
