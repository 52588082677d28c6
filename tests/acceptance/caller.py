"""A caller: ``python -m tests.acceptance.caller NOTES``, until it is told to stop.

It enqueues one job after the other. The key of each that was committed becomes a line
of its notes; of one that met an error nobody knows.
"""

from __future__ import annotations

import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

import django


def main(notes: Path) -> None:
    django.setup()
    from django.db import Error, close_old_connections

    from . import tasks

    is_told: list[Any] = []
    signal.signal(signal.SIGTERM, lambda *signal: is_told.append(signal))
    kinds = {"atomic": tasks.work_atomic, "plain": tasks.work}
    with notes.open("a", buffering=1) as file:
        for number in count():
            for kind, task in kinds.items():
                key = f"{kind} called {number}"
                close_old_connections()
                try:
                    task.enqueue(key)
                except Error as error:
                    sys.stdout.write(f"Not enqueued: {error}\n")
                else:
                    file.write(f"{key}\n")
                if is_told:
                    return
                time.sleep(0.02)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
