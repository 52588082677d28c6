"""Restart when code changes, as runserver does, for development."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils import autoreload

from .. import registry
from .supervisor import Supervisor

logger = logging.getLogger("django_bgtasks.supervisor")

_CHILD = "BGTASKS_RELOADED"
_CHANGED = 3


def run_with_reloader(make: Callable[[], Supervisor]) -> int:
    """Run a supervisor in a process of its own, a fresh one after each change.

    Django's own reloader watches the files; it would run the supervisor in a
    thread, where no signal can be handled.
    """
    if os.environ.get(_CHILD) == "1":
        return _run_watched(make())
    environment = {**os.environ, _CHILD: "1"}
    arguments = autoreload.get_child_arguments()
    while True:
        code = _run_child(arguments, environment)
        if code == _CHANGED:
            continue
        if code in (0, 130, -2, -15):
            return max(code, 0)
        logger.error("The worker ended with exit code %s; waiting for a change.", code)
        try:
            _wait_for_change()
        except KeyboardInterrupt:
            return 1


def _run_child(arguments: list[str], environment: dict[str, str]) -> int:
    child = subprocess.Popen(arguments, env=environment)

    def pass_on(number: int, frame: Any) -> None:
        child.send_signal(number)

    # The terminal sends Ctrl-C to the child as well.
    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
    }
    try:
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run_watched(supervisor: Supervisor) -> int:
    changed = threading.Event()

    def on_change(sender: Any, file_path: Path, **kwargs: Any) -> bool:
        logger.info("%s changed, restarting.", file_path)
        changed.set()
        supervisor.ask_to_stop()
        return True

    autoreload.file_changed.connect(on_change)
    modules = supervisor.options.task_modules
    watcher = threading.Thread(target=_watch, args=(modules,), daemon=True)
    watcher.start()
    code = supervisor.run()
    return _CHANGED if changed.is_set() else code


def _watch(task_modules: Iterable[str]) -> None:
    # What is watched is what was imported, and a supervisor imports no tasks. Where
    # one cannot be imported, its file is watched for being mended.
    with suppress(Exception):
        autoreload.check_errors(registry.discover)(task_modules)
    autoreload.StatReloader().run_loop()


def _wait_for_change() -> None:
    before = _snapshot()
    while _snapshot() == before:
        time.sleep(1)


def _snapshot() -> dict[Path, float]:
    return dict(autoreload.StatReloader().snapshot_files())
