"""``make demo`` tells the truth, ends well, and leaves nothing running."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from select import select

import psutil
import pytest

from tests.waiting import eventually

from .conftest import ROOT, environment

# A demo starts many processes, which takes long on a busy machine.
LONGEST = 240
DEMO = ROOT / "example_project" / "demo.py"
PROMISED = [
    r"response +302 after [\d,]+ ms",
    r"e-mail +there [\d,]+ ms after the click",
    r"Subject: Welcome to The Lantern",
    r"job +send_welcome_email: SUCCESSFUL, attempts 1, waited [\d,]+ ms, ran",
    r"points +100, by 1 booking",
    r"attempt 1 +ConnectionError: No answer to question 1",
    r"attempt 2 +ConnectionError: No answer to question 2",
    r"attempt 3 +{'EUR'",
    r"job +look_up_rates: SUCCESSFUL, attempts 3",
    r"kill -9 +of process \d+",
    r"30 of 30",
    r"job +build_report: SUCCESSFUL, attempts 2",
    r"letters +all sent [\d,]+ ms after the click",
    r"\d\d:\d\d:\d\d +\d+ members, counted [\d,]+ ms after it was due",
    r"from code +clean_up \(30 3 \* \* \*\), mail_day \(0 18 \* \* mon-fri\)",
    r"your own +http://127\.0\.0\.1:\d+/admin/django_bgtasks/schedule/add/",
    r"admin +http://127\.0\.0\.1:\d+/admin/ as demo",
]


class Demo:
    """The demo as a process, in a folder of its own."""

    def __init__(self, folder: Path, output: int | None = None, **env: str) -> None:
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, DEMO],
            env=environment(folder, **env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, timeout: float = LONGEST) -> str:
        """Wait for its end and return what it printed."""
        output, _ = self.process.communicate(timeout=timeout)
        return output or ""

    def processes(self) -> list[psutil.Process]:
        """Return what it has started and what still runs, wherever it hides."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get("EXAMPLE_DATA_DIR") == str(self._folder):
                    found.append(process)
        return found

    def kill(self) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


StartDemo = Callable[..., Demo]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[StartDemo]:
    demos: list[Demo] = []

    def start(output: int | None = None, **env: str) -> Demo:
        demos.append(Demo(tmp_path / "demo", output, **env))
        return demos[-1]

    yield start
    for demo in demos:
        demo.kill()


def test_demo_shows_all_that_it_promises_and_ends(
    start_demo: StartDemo, tmp_path: Path
) -> None:
    """Unless told otherwise it begins with a fresh database of its own."""
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "db.sqlite3").write_text("of an older version, and no database")
    demo = start_demo()
    output = demo.finish()
    assert demo.process.returncode == 0, output
    assert re.search(r"database +SQLite \d", output)
    assert "A newsletter to 101 members" in output
    for pattern in PROMISED:
        assert re.search(pattern, output), f"{pattern!r} is missing:\n{output}"
    assert "\x1b" not in output, "Colours are for terminals."
    assert demo.processes() == []


def test_demo_in_a_terminal_stays_until_interrupted(
    start_demo: StartDemo, empty_database: str
) -> None:
    ours, theirs = pty.openpty()
    demo = start_demo(output=theirs, DATABASE_URL=empty_database)
    os.close(theirs)
    output = ""
    deadline = time.monotonic() + LONGEST
    while "Ctrl-C" not in output:
        assert time.monotonic() < deadline, output
        if select([ours], [], [], 1)[0]:
            output += os.read(ours, 65536).decode(errors="replace")
    assert demo.process.poll() is None
    assert len(demo.processes()) > 1
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(60) == 0
    os.close(ours)
    assert demo.processes() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_demo_that_is_stopped_takes_everything_with_it(
    start_demo: StartDemo, number: int
) -> None:
    demo = start_demo()
    # The site, and two workers with a process each.
    eventually(lambda: len(demo.processes()) >= 5, "all processes of the demo")
    demo.process.send_signal(number)
    output = demo.finish()
    assert demo.processes() == []
    assert "Traceback" not in output


def test_demo_without_its_email_fails_and_says_why(start_demo: StartDemo) -> None:
    # Nobody listens there, so the mail cannot be sent.
    demo = start_demo(EMAIL_URL="smtp://127.0.0.1:1", DEMO_PATIENCE="12")
    output = demo.finish()
    assert demo.process.returncode == 1, output
    assert re.search(r"Waited 12 s for the e-mail to ada\.\w+@example\.com", output)
    assert "ConnectionRefusedError" in output, "The worker's log tells the reason."
    assert demo.processes() == []


def test_demo_without_its_database_fails_and_says_why(start_demo: StartDemo) -> None:
    demo = start_demo(DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    output = demo.finish()
    assert demo.process.returncode == 1, output
    assert "The database cannot be used: " in output
    assert "Traceback" not in output
    assert demo.processes() == []


def test_second_demo_leaves_the_first_alone(
    start_demo: StartDemo, tmp_path: Path
) -> None:
    first = start_demo()
    eventually(lambda: len(first.processes()) >= 2, "the first demo to begin")
    second = start_demo()
    assert "Another demo is at work" in second.finish()
    assert second.process.returncode == 1
    assert first.process.poll() is None
    assert len(first.processes()) >= 2
