"""``python -m django_bgtasks.processes.child``: a supervisor's worker, or its beat."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from typing import Any

from .config import ChildConfig


def main(text: str) -> int:
    """Set Django up as the supervisor has it, and work until told to stop."""
    config = ChildConfig.load(text)
    sys.path[:] = config.sys_path

    import django

    django.setup()
    from ..vendors.keepalive import notice_lost_servers
    from .console import log_to_console

    notice_lost_servers()
    log_to_console(config.worker.verbosity)
    keep_connections()
    return work(config)


def work(config: ChildConfig) -> int:
    from .. import registry
    from ..compat import task_backends
    from .board import Board
    from .rota import Rota
    from .worker import Worker

    slots = config.worker.threads + config.worker.coroutines
    backend: Any = task_backends[config.worker.backend]
    registry.discover(backend.settings.task_modules)
    if config.is_beat:
        return beat(config, backend)
    rota = Rota(config.rota, config.number)
    worker = Worker(config, Board(config.board, slots), rota)

    def on_signal(number: int, frame: Any) -> None:
        # Only noted: an exception here could tear a commit from its answer.
        worker.control.ask_to_stop()
        worker.desk.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    spare_what_is_loaded()
    return worker.run()


def beat(config: ChildConfig, backend: Any) -> int:
    from .beat import Beat
    from .control import Control
    from .stations import Child

    control = Control(config.control)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: control.ask_to_stop())
    return Beat(backend, Child(control), burst=config.worker.burst).run()


def spare_what_is_loaded() -> None:
    """Have the garbage collector pass over the modules and models for good.

    It would walk through all of them again and again, and every job that is under
    way would wait for it.
    """
    gc.collect()
    gc.freeze()


def keep_connections() -> None:
    """Have the threads keep their connections from task to task.

    A new one for each task costs more than most tasks. They are checked before
    use, so that a restart of the database goes unnoticed.
    """
    from django.db import connections

    for alias in connections:
        settings = connections.settings[alias]
        # Django's own connection pool does both by itself.
        if settings["CONN_MAX_AGE"] == 0 and not settings["OPTIONS"].get("pool"):
            settings["CONN_MAX_AGE"] = 600
            settings["CONN_HEALTH_CHECKS"] = True


if __name__ == "__main__":
    code = 1
    try:
        code = main(sys.argv[1])
    except BaseException:
        logging.getLogger("django_bgtasks.worker").exception("The worker crashed.")
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of tasks that do not end must not keep the process.
        os._exit(code)
