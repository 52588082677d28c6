"""Moments of PostgreSQL, read by the driver itself."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import psycopg_any


def read_moments_fast(cursor: Any) -> None:
    """Have the driver itself make a cursor's datetimes, aware, of the session's zone.

    Django puts its own loader, in Python, before that.
    """
    loader = getattr(psycopg_any, "orig_tz_loader_cls", None)
    adapters = getattr(cursor, "adapters", None)
    if loader is not None and adapters is not None:
        adapters.register_loader("timestamptz", loader)
