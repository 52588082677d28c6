from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, settings

from . import databases
from .embedded_postgresql import EmbeddedPostgreSQL
from .flushing import quick_flush
from .processes import CommandProcess

ROOT = Path(__file__).resolve().parent.parent
# What lies here needs no particular database: one run of all vendors is enough.
ONCE = ("unit", "architecture", "example", "packaging")
# Of that, the product as its users meet it: so long that it is a run of its own.
OUTSIDE = ("browser", "docs", "example", "packaging")
# What waits for workers in processes of their own: on the slowest database, where it
# takes as long as all else, it is a run of its own.
WORKERS = ("acceptance",)
# What lies here judges what is the same under each Python and Django: the order of
# statements, the tests themselves, the pages in a browser, what takes minutes.
ONE_VERSION = (
    *("architecture", "browser", "chaos", "fuzz", "interleavings", "plumbing"),
    *("stateful", "translations", "acceptance/test_failover.py"),
)

# How long an example takes says something about the machine only.
settings.register_profile(
    "suite", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--skip-once",
        action="store_true",
        help="leave out what does not depend on the database",
    )
    parser.addoption(
        "--only-once",
        action="store_true",
        help="run nothing but what does not depend on the database",
    )
    parser.addoption(
        "--skip-outside",
        action="store_true",
        help="leave out the product as its users meet it: pages, example, wheel",
    )
    parser.addoption(
        "--only-outside",
        action="store_true",
        help="run nothing but that",
    )
    parser.addoption(
        "--skip-workers",
        action="store_true",
        help="leave out what waits for workers in processes of their own",
    )
    parser.addoption(
        "--only-workers",
        action="store_true",
        help="run nothing but that",
    )
    parser.addoption(
        "--skip-one-version",
        action="store_true",
        help="leave out what does not depend on the versions of Python and Django",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "only_on(*vendors): skip the test on every other database"
    )
    config.addinivalue_line(
        "markers", "every_database: run this browser test on each of them"
    )


def pytest_report_header() -> str:
    return f"database: {databases.chosen_vendor()}"


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    vendor = databases.chosen_vendor()
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).parts[0] in ONCE:
            item.add_marker("once")
        only_on = item.get_closest_marker("only_on")
        if only_on and vendor not in only_on.args:
            reason = f"about {', '.join(only_on.args)}, not {vendor}"
            item.add_marker(pytest.mark.skip(reason=reason))
    left_out = _left_out(config, items)
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _left_out(config: pytest.Config, items: list[pytest.Item]) -> set[pytest.Item]:
    here = Path(__file__).parent

    def among(paths: tuple[str, ...]) -> set[pytest.Item]:
        places = {here / path for path in paths}
        return {
            item
            for item in items
            if not places.isdisjoint([item.path, *item.path.parents])
        }

    left_out: set[pytest.Item] = set()
    once = {item for item in items if item.get_closest_marker("once")}
    parts = {"once": once, "outside": among(OUTSIDE), "workers": among(WORKERS)}
    for name, some in parts.items():
        if config.getoption(f"--skip-{name}"):
            left_out |= some
        if config.getoption(f"--only-{name}"):
            left_out |= set(items) - some
    if config.getoption("--skip-one-version"):
        left_out |= among(ONE_VERSION)
    return left_out


@pytest.fixture(scope="session")
def vendor() -> str:
    """The database of this run: sqlite, postgresql, mariadb or mysql."""
    return databases.chosen_vendor()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    vendor: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give the run a database of its own, and PostgreSQL a server if it has none."""
    entry = connections["default"].settings_dict
    # Several runs may share a server.
    entry["TEST"]["NAME"] = f"test_bgtasks_{os.getpid()}"
    with ExitStack() as stack:
        if vendor == "sqlite":
            # In a file, because workers in other processes must see it.
            entry["TEST"]["NAME"] = str(tmp_path_factory.mktemp("db") / "test.sqlite3")
        elif databases.is_embedded(vendor):
            server = stack.enter_context(EmbeddedPostgreSQL())
            entry.update(HOST=str(server.directory), USER="postgres")
        else:
            try:
                databases.describe(vendor)
            except databases.Unavailable as reason:
                pytest.exit(f"{vendor} cannot be tested: {reason}", returncode=2)
        stack.enter_context(quick_flush())
        yield


@pytest.fixture
def worker_env(transactional_db: None) -> dict[str, str]:
    """The environment of a process that works on this test's own database."""
    settings = os.environ["DJANGO_SETTINGS_MODULE"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {
        **os.environ,
        "BGTASKS_TEST_DATABASE_URL": databases.to_url(connection.settings_dict),
        "DJANGO_SETTINGS_MODULE": settings,
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture
def run_manage(
    worker_env: dict[str, str],
) -> Iterator[Callable[..., CommandProcess]]:
    """Start management commands in processes; none of them outlives the test."""
    started: list[CommandProcess] = []

    def run(*arguments: Any, env: dict[str, str] | None = None) -> CommandProcess:
        process = CommandProcess(
            *map(str, arguments), environment={**worker_env, **(env or {})}
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
