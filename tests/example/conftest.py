"""The example is tried from outside: by its commands, and over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections

from tests import databases
from tests.processes import CommandProcess
from tests.waiting import eventually

from .visitor import Page, Visitor

ROOT = Path(__file__).resolve().parent.parent.parent
STAFF = ("boss", "a-password-of-the-boss")

RunExample = Callable[..., CommandProcess]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("slow")


@contextmanager
def _database(vendor: str, folder: Path) -> Iterator[str]:
    """Make an empty database beside that of the run; yield its URL."""
    if vendor == "sqlite":
        yield f"sqlite:///{folder / 'example.sqlite3'}"
        return
    connection = connections["default"]
    name = f"test_example_{uuid4().hex[:12]}"
    quoted = connection.ops.quote_name(name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quoted}")
    try:
        yield databases.to_url({**connection.settings_dict, "NAME": name})
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {quoted}")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the example's processes see: nothing of the run's own settings."""
    ours = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DEBUG", "CI")
    kept = {
        key: value
        for key, value in os.environ.items()
        if key not in ours and not key.startswith(("BGTASKS_", "EMAIL_", "DEMO_"))
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "example_project.settings",
        "EXAMPLE_DATA_DIR": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        **more,
    }


def manage(env: dict[str, str], *arguments: str) -> str:
    """Run manage.py to its end and return what it printed."""
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
    )
    assert done.returncode == 0, f"manage.py {' '.join(arguments)}:\n{done.stdout}"
    return done.stdout


@pytest.fixture
def empty_database(
    vendor: str, django_db_setup: None, django_db_blocker: Any, tmp_path: Path
) -> Iterator[str]:
    """The URL of a database that nothing has been done to."""
    with django_db_blocker.unblock(), _database(vendor, tmp_path) as url:
        yield url


@dataclass(frozen=True)
class Site:
    url: str
    env: dict[str, str]
    folder: Path

    def visitor(self) -> Visitor:
        return Visitor(self.url)

    def mails_to(self, address: str) -> list[EmailMessage]:
        """Return the e-mails that have arrived for an address."""
        found = []
        for path in (self.folder / "mail").glob("*.log"):
            # What follows the last line of dashes is still being written.
            for text in path.read_bytes().split(b"\n" + b"-" * 79 + b"\n")[:-1]:
                mail = message_from_bytes(text, policy=policy.default)
                if mail["To"] == address:
                    found.append(mail)
        return found


@pytest.fixture(scope="session")
def site(
    vendor: str,
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """The example's web server, on a database of its own, with a member of staff.

    It is shared by the tests, and each brings members and jobs of its own.
    """
    folder = tmp_path_factory.mktemp("example")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    with django_db_blocker.unblock(), _database(vendor, folder) as url:
        env = environment(folder, DATABASE_URL=url, SITE_URL=f"http://{place}")
        manage(env, "migrate", "--verbosity", "0")
        password = {"DJANGO_SUPERUSER_PASSWORD": STAFF[1]}
        boss = ("--username", STAFF[0], "--email", "boss@example.com")
        manage({**env, **password}, "createsuperuser", "--no-input", *boss)
        server = CommandProcess("runserver", "--noreload", place, environment=env)
        try:
            server.wait_for_line("Quit the server")
            yield Site(f"http://{place}", env, folder)
        finally:
            server.kill()


@pytest.fixture
def visitor(site: Site) -> Visitor:
    return site.visitor()


@pytest.fixture
def start_worker(site: Site) -> Iterator[RunExample]:
    """Start workers of the example; none of them outlives the test."""
    started: list[CommandProcess] = []

    def start(*arguments: str) -> CommandProcess:
        worker = CommandProcess(
            "runworker", "--no-reload", *arguments, environment=site.env
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        for process in worker.children():
            process.kill()
        worker.kill()


def address() -> str:
    return f"{uuid4().hex[:10]}@example.com"


def sign_up(visitor: Visitor, email: str) -> Page:
    return visitor.submit("/sign-up/", name="Grace Hopper", email=email)


def wait_for_job(visitor: Visitor, job_id: str) -> Any:
    """Return the status of a job when it has finished."""
    return eventually(lambda: visitor.finished(job_id), f"job {job_id}")
