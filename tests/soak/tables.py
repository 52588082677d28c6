"""What the tables take, how many rows they have, and who is connected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, models

from django_bgtasks.models import FinishedJob
from django_bgtasks.vendors import vendor_of
from tests.chaos.servers import NAME, Server

from .bars import MEGABYTE

Sizes = dict[str, dict[str, float]]
_PREFIX = "django_bgtasks_"
# Rows that are added up by the hour, and kept for weeks.
FIGURES = "rollup"


def look(server: Server) -> Sizes:
    """Return what a sample says of the database, by kinds of figures."""
    found = _LOOKS[server.vendor](server)
    by_size = sum(
        value
        for kind in ("table", "index")
        for name, value in found.get(kind, {}).items()
        if not name.startswith(FIGURES)
    )
    found.setdefault("tables", {"all with indexes": by_size})
    rows = {model._meta.model_name or "": _count(model) for model in _models()}
    found["figures"] = {FIGURES: rows.pop(FIGURES)}
    found["rows"] = rows
    return found


def overdue() -> float:
    """Return for how many seconds the job that was due longest should be gone."""
    rows = FinishedJob.objects.filter(keep_until__isnull=False)
    first = rows.order_by("keep_until").values_list("keep_until", flat=True).first()
    if first is None:
        return 0.0
    vendor = vendor_of(connection)
    moment = vendor.from_database(first)
    assert moment is not None
    return max((vendor.now() - moment).total_seconds(), 0.0)


def _models() -> list[type[models.Model]]:
    return list(apps.get_app_config("django_bgtasks").get_models())


def _count(model: Any) -> float:
    return float(model.objects.count())


def _postgresql(server: Server) -> Sizes:
    found: Sizes = {"table": {}, "index": {}, "dead": {}, "connections": {}}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_table_size(relid), n_dead_tup "
            f"FROM pg_stat_user_tables WHERE relname LIKE '{_PREFIX}%%'"
        )
        for name, size, dead in cursor.fetchall():
            found["table"][_short(name)] = size / MEGABYTE
            found["dead"][_short(name)] = float(dead)
        cursor.execute(
            "SELECT relname, indexrelname, pg_relation_size(indexrelid) "
            f"FROM pg_stat_user_indexes WHERE relname LIKE '{_PREFIX}%%'"
        )
        for table, index, size in cursor.fetchall():
            found["index"][f"{_short(table)} {_short(index)}"] = size / MEGABYTE
        cursor.execute(
            "SELECT application_name, count(*) FROM pg_stat_activity "
            "WHERE usename = current_user AND pid <> pg_backend_pid() GROUP BY 1"
        )
        found["connections"] = {name: float(many) for name, many in cursor.fetchall()}
    return found


def _mariadb(server: Server) -> Sizes:
    with server.admin() as cursor:
        cursor.execute(
            "SELECT name, file_size FROM information_schema.innodb_sys_tablespaces "
            f"WHERE name LIKE '{NAME}/{_PREFIX}%'"
        )
        rows = cursor.fetchall()
        sizes = {_short(name.partition("/")[2]): size / MEGABYTE for name, size in rows}
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_history_list_length'")
        ((_, history),) = cursor.fetchall()
        cursor.execute(
            f"SELECT count(*) FROM information_schema.processlist WHERE user = '{NAME}'"
        )
        ((connected,),) = cursor.fetchall()
    return {
        "table": sizes,
        "dead": {"history": float(history)},
        "connections": {"all": float(connected)},
    }


def _sqlite(server: Server) -> Sizes:
    path = Path(server.entry()["NAME"])
    with connection.cursor() as cursor:
        pages, free = (
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count")
        )
    log = path.with_name(f"{path.name}-wal")
    return {
        "tables": {"file": path.stat().st_size / MEGABYTE},
        "table": {"log": log.stat().st_size / MEGABYTE if log.exists() else 0.0},
        "index": {"used pages": (pages - free) * 4096 / MEGABYTE},
    }


def _short(name: str) -> str:
    return name.removeprefix(_PREFIX).removeprefix("bgtasks_")


_LOOKS: dict[str, Callable[[Server], Sizes]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "sqlite": _sqlite,
}
