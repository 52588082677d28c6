from __future__ import annotations

import logging
import sys

from ..log import JobFilter

_LEVELS = {0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG, 3: logging.DEBUG}
_FORMAT = "%(asctime)s %(levelname)-7s %(process)d %(message)s"


def log_to_console(verbosity: int) -> None:
    """Show the package's own log on stderr, unless the project handles it.

    The root logger and everybody else's are left alone.
    """
    logger = logging.getLogger("django_bgtasks")
    if logger.level == logging.NOTSET:
        logger.setLevel(_LEVELS.get(verbosity, logging.DEBUG))
    if logger.hasHandlers():
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(JobFilter())
    logger.addHandler(handler)
