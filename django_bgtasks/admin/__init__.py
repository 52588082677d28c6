"""The package's pages in Django admin. Only admin's autodiscovery imports this."""

from . import (
    schedules,  # noqa: F401
)
