"""Every difference between the databases, behind one small interface."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.utils.connection import ConnectionProxy

from .base import Vendor
from .refusals import without_row
from .rows import LONG_AGO, Insert, Lane, Move, Swap, Table, Take, Taken
from .session import OUTAGES
from .stencil import Blank, Stencil
from .watcher import ANYTHING, Watcher

__all__ = [
    "ANYTHING",
    "LONG_AGO",
    "OUTAGES",
    "Blank",
    "Insert",
    "Lane",
    "Move",
    "Stencil",
    "Swap",
    "Table",
    "Take",
    "Taken",
    "Vendor",
    "Watcher",
    "vendor_of",
    "without_row",
]


def vendor_of(connection: Any) -> Vendor:
    """Return the vendor of a Django connection, made once per connection."""
    vendor: Vendor | None = getattr(connection, "_bgtasks_vendor", None)
    if vendor is None:
        if isinstance(connection, ConnectionProxy):
            # What it stands for is another one in each thread.
            connection = connections[connection.alias]
        vendor = connection._bgtasks_vendor = _make(connection)
    return vendor


def _make(connection: Any) -> Vendor:
    # Imported when needed: a project has the driver of its own database only.
    if connection.vendor == "postgresql":
        from .postgresql import PostgreSQL

        return PostgreSQL(connection)
    if connection.vendor == "mysql":
        from .mysql import MySQL

        return MySQL(connection)
    if connection.vendor == "sqlite":
        from .sqlite import SQLite

        return SQLite(connection)
    from django.core.exceptions import ImproperlyConfigured

    raise ImproperlyConfigured(
        f"DATABASES[{connection.alias!r}] is {connection.vendor}; django_bgtasks "
        f"supports PostgreSQL, MySQL 8, MariaDB 10.6 or later, and SQLite."
    )
