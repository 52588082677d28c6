"""The processes of the demo: each with a log, and none that outlives it."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress

_SECONDS_TO_STOP = 15
_TAIL = 25


class Failure(Exception):
    """Something did not come; the message says what."""


class Troupe:
    """Starts processes, waits with an eye on them, and stops them all on leaving."""

    def __init__(self, folder, patience):
        self._folder = folder
        self._patience = patience
        self._processes = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # A second Ctrl-C must not leave half of them behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.stop()

    def start(self, name, *command):
        with self._log(name).open("wb") as log:
            self._processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for the demo, which stops the others.
                start_new_session=True,
            )

    def name_of(self, worker):
        """Return how the names of a worker's processes begin."""
        return f"{worker}-{self._processes[worker].pid}-"

    def wait_for(self, look, what):
        """Return what ``look()`` finds as soon as it is not None. Raise Failure."""
        deadline = time.monotonic() + self._patience
        while True:
            found = look()
            if found is not None:
                return found
            self.check()
            if time.monotonic() > deadline:
                raise Failure(f"Waited {self._patience:g} s for {what}.")
            time.sleep(0.02)

    def check(self):
        """Raise Failure if a process has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise Failure(f"The {name} ended with exit code {process.returncode}.")

    def stop(self):
        """Ask all to stop; kill what has not within some seconds."""
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            # What it may have left in its group.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def tails(self):
        """Return the last lines of each log."""
        parts = []
        for name in self._processes:
            lines = self._log(name).read_text(errors="replace").splitlines()
            parts.append("\n".join([f"--- {self._log(name)}", *lines[-_TAIL:]]))
        return "\n".join(parts)

    def _log(self, name):
        return self._folder / f"{name.replace(' ', '-')}.log"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
