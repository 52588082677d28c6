"""A worker command and all its processes, judged from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType

import psutil

_SECONDS_TO_STOP = 40


class WorkerProcess:
    """``python -m <arguments>`` and its children, from entering to leaving.

    Several commands are several such processes, each beside the others. They run
    with this interpreter and environment, or with those that are given.
    """

    def __init__(
        self,
        *commands: Sequence[str],
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._commands = [[python, "-m", *arguments] for arguments in commands]
        self._environment = dict(environment or {})
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> WorkerProcess:
        self._output = tempfile.TemporaryFile("w+")
        for command in self._commands:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **self._environment},
                text=True,
            )
            self._processes.append(process)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for process in self._processes:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                self._kill(process)
        self._output.close()

    def check(self) -> None:
        """Raise RuntimeError, with its output, if a command has ended."""
        if any(process.poll() is not None for process in self._processes):
            self._output.seek(0)
            raise RuntimeError(f"The worker ended:\n{self._output.read()}")

    def tree(self) -> list[psutil.Process]:
        found = []
        for process in self._processes:
            top = psutil.Process(process.pid)
            found += [top, *top.children(recursive=True)]
        return found

    def cpu_seconds(self) -> float:
        """CPU time that its processes have taken so far."""
        times = [process.cpu_times() for process in self.tree()]
        return sum((each.user + each.system for each in times), 0.0)

    def memory(self) -> tuple[float, float]:
        """Megabytes of RSS and PSS, each the sum of its processes.

        RSS counts a shared page once for each process. Where the system does not
        tell PSS it is 0.
        """
        resident = shared = 0.0
        for process in self.tree():
            facts = process.memory_full_info()
            resident += facts.rss / 1e6
            shared += getattr(facts, "pss", 0) / 1e6
        return resident, shared

    def largest(self) -> float:
        """Megabytes of RSS of the largest of its processes."""
        return max(process.memory_info().rss for process in self.tree()) / 1e6

    @staticmethod
    def _kill(process: subprocess.Popen[str]) -> None:
        top = psutil.Process(process.pid)
        for each in [top, *top.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        process.wait()
