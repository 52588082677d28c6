"""Bring in this code's tables: ``python -m tests.upgrades.migrate ROUNDS OLDER``.

So many times they are taken away again before, back to the migration OLDER. With a
third argument they end up as older code cannot use them.
"""

from __future__ import annotations

import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402


def main(rounds: int, older: str, *sabotage: str) -> None:
    for number in range(1, rounds + 1):
        call_command("migrate", verbosity=0)
        call_command("migrate", "django_bgtasks", older, verbosity=0)
        sys.stdout.write(f"there and back: {number}\n")
        sys.stdout.flush()
    call_command("migrate", verbosity=0)
    if sabotage:
        _add_column()


def _add_column() -> None:
    """Do what a careless migration does: Django keeps no default in the database."""
    with connection.cursor() as cursor:
        change = "ALTER TABLE django_bgtasks_job"
        cursor.execute(f"{change} ADD COLUMN careless integer NOT NULL DEFAULT 0")
        cursor.execute(f"{change} ALTER COLUMN careless DROP DEFAULT")


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
