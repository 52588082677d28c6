"""A worker command and all its processes, judged from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

import psutil


class WorkerProcess:
    """``python -m <arguments>`` and its children, from entering to leaving."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = list(arguments)

    def __enter__(self) -> WorkerProcess:
        self._output = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(40)
        except subprocess.TimeoutExpired:
            self._kill()
        self._output.close()

    def check(self) -> None:
        """Raise RuntimeError, with its output, if the command has ended."""
        if self._process.poll() is not None:
            self._output.seek(0)
            raise RuntimeError(f"The worker ended:\n{self._output.read()}")

    def tree(self) -> list[psutil.Process]:
        top = psutil.Process(self._process.pid)
        return [top, *top.children(recursive=True)]

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

    def _kill(self) -> None:
        for process in self.tree():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
