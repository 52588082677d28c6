"""A backup that is made while a job runs, by the commands that the page shows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from django_bgtasks.models import (
    Attempt,
    DeferredJob,
    FinishedJob,
    Process,
    RunningJob,
    Schedule,
)
from tests import databases
from tests.docs.pages import blocks, section
from tests.testapp.tasks import record

from . import tasks
from .workers import (
    PATIENCE,
    Gate,
    Start,
    await_effects,
    await_finished,
    effects,
    outcomes,
)

PAGE = "howto/backup.md"
HEADINGS = {"postgresql": "PostgreSQL", "mariadb": "MySQL and MariaDB"}
PROGRAMS = {"postgresql": ("pg_dump", "pg_restore"), "mariadb": ("mariadb-dump",)}
SHORT = {"RESCUE_AFTER": "2s", "HEARTBEAT": 0.5}

pytestmark = [
    pytest.mark.only_on("sqlite", "postgresql", "mariadb"),
    pytest.mark.django_db(transaction=True),
]


def shown(heading: str) -> list[str]:
    """Return the commands that stand under a heading of the page."""
    text = section(PAGE, f"## {heading}").replace("\\\n", "")
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def version(text: str) -> int:
    return int(re.search(r"(\d+)\.", text)[1])  # type: ignore[index]


class Backups:
    """Backs the test's database up into another one."""

    def __init__(self, vendor: str, directory: Path) -> None:
        self.vendor, self.directory = vendor, directory
        self.source = dict(connection.settings_dict)
        self.name = f"test_bgtasks_{uuid4().hex[:12]}"
        if vendor == "sqlite":
            self.name = str(directory / "backup.sqlite3")
        url = databases.to_url({**self.source, "NAME": self.name})
        self.environment = {"BGTASKS_TEST_DATABASE_URL": url}

    def refuse_without_programs(self) -> None:
        for program in PROGRAMS.get(self.vendor, ()):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is not installed")
        if self.vendor == "postgresql":
            told = subprocess.check_output(["pg_dump", "--version"], text=True)
            if version(told) < connection.pg_version // 10_000:  # type: ignore[attr-defined]
                pytest.skip("pg_dump is older than the server")

    def back_up(self, heading: str = "") -> None:
        """Do all but the last command, which restores."""
        if self.vendor == "sqlite":
            (command,) = shown("SQLite")
            program, path, statement = shlex.split(command)
            assert (program, path) == ("sqlite3", "db.sqlite3")
            statement = statement.replace("backup.sqlite3", self.name)
            with closing(sqlite3.connect(self.source["NAME"])) as file:
                file.execute(statement)
            return
        self._do(shown(heading or HEADINGS[self.vendor])[0])

    def restore(self) -> None:
        if self.vendor == "sqlite":
            return
        commands = shown(HEADINGS[self.vendor])[1:]
        if self.vendor == "mariadb":
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {self.name}")
        for command in commands:
            self._do(command)

    def _do(self, command: str) -> None:
        command = re.sub(r"\bshop_restored\b", self.name, command)
        command = re.sub(r"\bshop(?!\.)\b", str(self.source["NAME"]), command)
        host = self.source["HOST"] or self.source["OPTIONS"].get("host", "")
        environment = {**os.environ, "PGUSER": self.source["USER"] or "postgres"}
        if self.vendor == "postgresql":
            environment |= {"PGHOST": host, "PGPORT": str(self.source["PORT"] or "")}
            environment |= {"PGPASSWORD": self.source["PASSWORD"] or ""}
        else:
            options = [f"--host={host or 'localhost'}", f"--user={self.source['USER']}"]
            if socket := self.source["OPTIONS"].get("unix_socket"):
                options.append(f"--socket={socket}")
            elif port := self.source["PORT"]:
                options.append(f"--port={port}")
            program, rest = command.split(" ", 1)
            environment["MYSQL_PWD"] = self.source["PASSWORD"] or ""
            command = f"{program} {shlex.join(options)} {rest}"
        # They are those of the page, with other names.
        subprocess.run(
            ["sh", "-ec", command], cwd=self.directory, env=environment, check=True
        )

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Have this process look into the copy."""
        connection.close()
        connection.settings_dict["NAME"] = self.name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = self.source["NAME"]

    def drop(self) -> None:
        if self.vendor != "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE IF EXISTS {self.name}")


@pytest.fixture
def backups(vendor: str, tmp_path: Path, transactional_db: None) -> Iterator[Backups]:
    found = Backups(vendor, tmp_path)
    found.refuse_without_programs()
    yield found
    found.drop()


def test_job_that_ran_during_the_backup_runs_again(
    start: Start, gate: Gate, backups: Backups
) -> None:
    worker = start("--threads", 1)
    held = tasks.hold.enqueue("held", str(gate))
    later = record.using(run_after=3600).enqueue("later")
    await_effects("held:began")
    backups.back_up()
    gate.open()
    await_finished([held])
    assert worker.stop() == 0
    backups.restore()

    with backups.restored():
        (running,) = RunningJob.objects.all()
        assert str(running.pk) == held.id
        again = start("--threads", 1, options=SHORT, **backups.environment)
        again.wait_for_line("Rescued from .*: 1 jobs are ready again", PATIENCE)
        await_finished([held])
        assert held.status == "SUCCESSFUL"
        (lost,) = Attempt.objects.all()
        assert (str(lost.job_id), lost.attempt, lost.outcome) == (held.id, 1, "lost")
        assert FinishedJob.objects.get(pk=held.id).attempt == 2
        assert DeferredJob.objects.filter(pk=later.id).exists()
        assert not Process.objects.filter(pk=running.process_id).exists()
        assert again.stop() == 0


def test_copy_whose_jobs_were_cancelled_runs_none_of_them(
    start: Start, gate: Gate, backups: Backups
) -> None:
    worker = start("--threads", 1)
    held = tasks.hold.enqueue("held", str(gate))
    await_effects("held:began")
    record.using(run_after=3600).enqueue("later")
    backups.back_up()
    gate.open()
    await_finished([held])
    assert worker.stop() == 0
    backups.restore()

    cancel = shlex.split(shown("A copy for a test system")[0])[2:]
    done = start(*cancel[1:], command=cancel[0], **backups.environment)
    assert done.wait() == 0
    again = start("--threads", 1, options=SHORT, **backups.environment)
    again.wait_for_line("Rescued from", PATIENCE)
    assert again.stop() == 0
    with backups.restored():
        assert outcomes() == {"cancelled": 2}
        assert effects() == {"held:began": 1}


@pytest.mark.only_on("postgresql")
def test_dump_without_jobs_has_the_schedules(backups: Backups) -> None:
    record.enqueue("a")
    Schedule.objects.create(
        name="nightly", task_path=record.module_path, crontab="* * * * *"
    )
    call_command("bgtasks", "pause", "mail", verbosity=0)
    backups.back_up("Leave the jobs out")
    backups.restore()
    with backups.restored(), connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        full = []
        for name in (each for each in names if each.startswith("django_bgtasks_")):
            cursor.execute(f"SELECT count(*) FROM {name}")
            full += [name] if cursor.fetchone()[0] else []
    assert sorted(full) == ["django_bgtasks_queue", "django_bgtasks_schedule"]


@pytest.mark.only_on("postgresql")
def test_schedules_of_a_copy_are_disabled_by_the_statement_shown() -> None:
    Schedule.objects.create(
        name="nightly", task_path=record.module_path, crontab="* * * * *"
    )
    statement = shlex.split(shown("A copy for a test system")[1])[-1]
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert not Schedule.objects.get().enabled


@pytest.mark.once
def test_every_command_of_the_page_is_one_that_is_tried() -> None:
    programs = {
        line.split()[1]
        for _, text in blocks(PAGE, "console")
        for line in text.splitlines()
        if line.startswith("$ ")
    }
    assert programs == {
        *("pg_dump", "createdb", "pg_restore", "mariadb-dump", "mariadb", "sqlite3"),
        *("python", "psql"),
    }
