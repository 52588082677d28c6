"""The tutorial, from its first file to the kills that its jobs survive."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import django
import pytest

from ..processes import CommandProcess
from ..waiting import eventually
from .pages import ROOT, blocks

pytestmark = [pytest.mark.once, pytest.mark.slow]


class Project:
    """The tutorial's project, made of its blocks of code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("BGTASKS_", "DJANGO_"))
        }
        self.environment["PYTHONPATH"] = os.pathsep.join([str(folder), str(ROOT)])
        self.run("-m", "django", "startproject", "mysite", ".")
        self.run("-m", "django", "startapp", "bakery")
        self.environment["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
        for caption, text in blocks("tutorial.md", "python"):
            path, _, added = caption.partition(",")
            adds = added or path.endswith("settings.py")
            with (folder / path).open("a" if adds else "w") as file:
                file.write(f"\n\n{text}" if adds else text)
        if django.VERSION < (6, 0):
            with (folder / "mysite/settings.py").open("a") as file:
                file.write('INSTALLED_APPS += ["django_tasks"]\n')

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, f"{arguments}:\n{done.stdout}"
        return done.stdout

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def shell(self, code: str) -> str:
        """Run code in a shell and return what it printed last."""
        lines = self.manage("shell", "-c", code).splitlines()
        return lines[-1]

    def worker_pids(self) -> list[int]:
        """Return the pids of the worker processes that have a job.

        The tutorial asks ``bgtasks status``, which takes as long to start on a busy
        machine as the job that is to be caught.
        """
        return self.numbers(
            "SELECT pid FROM django_bgtasks_process AS process "
            "JOIN django_bgtasks_runningjob ON process_id = process.id"
        )

    def is_being_written(self) -> bool:
        """Whether a transaction stays open; none but that of a task does so long."""
        with closing(
            sqlite3.connect(self.folder / "db.sqlite3", timeout=0.5)
        ) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    def loaves(self) -> int:
        return self.numbers("SELECT COUNT(*) FROM bakery_loaf")[0]

    def numbers(self, query: str) -> list[int]:
        with closing(sqlite3.connect(self.folder / "db.sqlite3")) as connection:
            return [int(row[0]) for row in connection.execute(query)]


def shown(words: str) -> str:
    """Return a pattern of the first log line of the tutorial that has these words."""
    lines = "".join(text for _, text in blocks("tutorial.md", "text")).splitlines()
    line = next(each for each in lines if words in each)
    # Names, pids and numbers are those of another day.
    return re.sub(r"vm\\-\S+|\d+", r"\\S+", re.escape(line))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("tutorial"))
    project.manage("makemigrations", "bakery")
    project.manage("migrate")
    return project


@pytest.fixture
def worker(project: Project) -> Iterator[CommandProcess]:
    yield from run_worker(project, "--no-reload")


@pytest.fixture
def reloading_worker(project: Project) -> Iterator[CommandProcess]:
    yield from run_worker(project)


def run_worker(project: Project, *options: str) -> Iterator[CommandProcess]:
    worker = CommandProcess("runworker", *options, environment=project.environment)
    try:
        worker.wait_for_line(shown("Starting"))
        yield worker
    finally:
        # Its worker processes end with it, although they are of other sessions.
        children = worker.children()
        worker.stop()
        for child in children:
            child.wait(timeout=60)


def kill_amid(project: Project, call: str, under_way: Callable[[], bool]) -> str:
    """Enqueue a job, kill the worker process amid its work, and return its id.

    The tutorial does one after the other. Here the work is watched while the shell
    still ends, which takes longer on a busy machine than the job does.
    """
    with ThreadPoolExecutor(max_workers=1) as shell:
        job = shell.submit(project.shell, ENQUEUE.format(call=call))
        eventually(under_way, "the job to be under way", 60, 0.01)
        (pid,) = project.worker_pids()
        os.kill(pid, signal.SIGKILL)
        return job.result()


ENQUEUE = "from bakery.tasks import *; print({call}.id)"
WAIT = (
    "from bakery.tasks import *; "
    "result = {task}.get_result('{id}').wait(60); "
    "print(result.status, result.attempts)"
)


def test_settings_and_database_have_no_issues(project: Project) -> None:
    said = project.manage("check", "--database", "default")
    assert "System check identified no issues (0 silenced)." in said


def test_pages_answer_and_the_job_runs(
    project: Project, worker: CommandProcess
) -> None:
    order = project.shell(
        "import json; from django.test import Client; "
        "client = Client(headers={'host': 'localhost'}); "
        "said = client.get('/order/1/').json(); "
        "print(json.dumps([said, client.get(f'/look/{said[\"order\"]}/').json()]))"
    )
    answer, look = json.loads(order)
    assert answer["status"] == "READY"
    assert set(look) == {"status", "attempts"}
    assert project.shell(WAIT.format(task="bake", id=answer["order"])).endswith(
        "SUCCESSFUL 1"
    )


def test_task_that_fails_is_tried_three_times(
    project: Project, worker: CommandProcess
) -> None:
    job = project.shell(ENQUEUE.format(call="buy_flour.enqueue()"))
    said = project.shell(WAIT.format(task="buy_flour", id=job))
    assert said.endswith("FAILED 3")
    shown = project.manage("bgtasks", "show", job)
    assert shown.count("ConnectionError: The mill does not answer.") == 3


def test_job_survives_kill_9(project: Project, worker: CommandProcess) -> None:
    before = project.loaves()
    job = kill_amid(project, "bake.enqueue(4)", lambda: project.loaves() > before)
    worker.wait_for_line(shown("was killed"))
    worker.wait_for_line(shown("Rescued"))
    said = project.shell(WAIT.format(task="bake", id=job))
    assert said.endswith("SUCCESSFUL 2")


def test_atomic_job_that_is_killed_bakes_four_loaves(
    project: Project, worker: CommandProcess
) -> None:
    before = project.loaves()
    job = kill_amid(project, "bake_tray.enqueue()", project.is_being_written)
    said = project.shell(WAIT.format(task="bake_tray", id=job))
    assert said.endswith("SUCCESSFUL 2")
    assert project.loaves() == before + 4


def test_worker_restarts_when_its_tasks_change(
    project: Project, reloading_worker: CommandProcess
) -> None:

    def starts(worker: CommandProcess) -> int:
        return len(re.findall(shown("Starting"), worker.output))

    # Once it has run a job it has seen the tasks as they are.
    job = project.shell(ENQUEUE.format(call="bake.enqueue(0)"))
    project.shell(WAIT.format(task="bake", id=job))
    tasks = project.folder / "bakery/tasks.py"
    with tasks.open("a") as file:
        file.write("\n\n@task\ndef clean():\n    return 'clean'\n")
    eventually(lambda: starts(reloading_worker) == 2, "a worker with the new code")
    job = project.shell(ENQUEUE.format(call="clean.enqueue()"))
    said = project.shell(WAIT.format(task="clean", id=job))
    assert said.endswith("SUCCESSFUL 1")
