"""Commands in a process of their own, judged from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import psutil

# What a worker tells of each job; hundreds of these hide why a test failed.
_OF_EACH_JOB = re.compile(
    r"(DEBUG|INFO) (django_bgtasks\.job|django\.tasks|django_tasks)"
)
_LAST_LINES = 40


class CommandProcess:
    """``python -m django <arguments>`` in its own session, its output collected.

    Another ``module`` may stand for Django, and ``through`` be a command that starts
    it. Standard output and standard error come
    together, in ``lines``.
    """

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        module: str = "django",
        through: Sequence[str] = (),
    ) -> None:
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._process = subprocess.Popen(
            [*through, sys.executable, "-m", module, *arguments],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def last_words(self) -> str:
        """The end of the output, for the report of a test that failed."""
        lines = [line for line in self.lines if not _OF_EACH_JOB.match(line)]
        left_out = len(self.lines) - len(lines[-_LAST_LINES:])
        head = [f"[{left_out} lines are left out]"] if left_out else []
        return "\n".join([*head, *lines[-_LAST_LINES:]])

    def wait_for_line(self, pattern: str, timeout: float = 60) -> re.Match[str]:
        """Return the match of the first line that holds ``pattern``, early or late.

        Fail if the output ends, or ``timeout`` seconds pass, without one.
        """
        seen = 0
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    seen += 1
                    if match := re.search(pattern, line):
                        return match
                left = deadline - time.monotonic()
                if self._ended or left <= 0:
                    why = "ended" if self._ended else f"ran for {timeout} s"
                    raise AssertionError(
                        f"It {why} without a line like {pattern!r}:\n{self.last_words}"
                    )
                self._news.wait(left)

    def is_running(self) -> bool:
        return self._process.poll() is None

    def send_signal(self, number: int) -> None:
        """Signal the process itself, not its children."""
        self._process.send_signal(number)

    def wait(self, timeout: float = 120) -> int:
        """Wait for the process to end by itself and return its exit code."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"It did not end within {timeout} s:\n{self.last_words}"
            ) from None
        # A child that lives on would keep the output open.
        self._reader.join(timeout=5)
        return code

    def stop(self, timeout: float = 120) -> int:
        """Ask the process to stop (SIGTERM) and return its exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def children(self) -> list[psutil.Process]:
        """Return the processes that it has started and that still run."""
        try:
            return psutil.Process(self.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def group(self) -> list[psutil.Process]:
        """Return every live process of its session, itself or orphaned by it."""
        members = []
        for process in psutil.process_iter(["status"]):
            with suppress(psutil.NoSuchProcess, ProcessLookupError):
                if (
                    os.getsid(process.pid) == self.pid
                    and process.info["status"] != psutil.STATUS_ZOMBIE
                ):
                    members.append(process)
        return members

    def kill(self, timeout: float = 30) -> None:
        """Kill it and all of its session (SIGKILL), and see them gone."""
        deadline = time.monotonic() + timeout
        while members := self.group():
            for process in members:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            gone, _ = psutil.wait_procs(members, timeout=1)
            if len(gone) < len(members) and time.monotonic() > deadline:
                raise AssertionError(f"These could not be killed: {members}")
        self._process.wait(timeout)
        self._reader.join(timeout=5)
        assert self._process.stdout is not None
        if not self._reader.is_alive():
            self._process.stdout.close()
