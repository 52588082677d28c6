"""The package's pages in Django admin. Only admin's autodiscovery imports this."""

from . import (
    failures,  # noqa: F401
    jobs,  # noqa: F401
    queues,  # noqa: F401
    schedules,  # noqa: F401
    workers,  # noqa: F401
)
