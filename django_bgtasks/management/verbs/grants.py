from __future__ import annotations

import re
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...vendors import vendor_of
from ..console import Console
from ..grants import ROLES, grants
from .base import Verb, add_backend, find_backend

# They are names of no role, quoted or not: the first one is everybody.
_NO_ROLES = ("public", "none")
_LONGEST = 63


class GrantsVerb(Verb):
    name = "grants"
    help = "Print the SQL that lets a role of the database do what a part must do."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("part", choices=tuple(ROLES), help="What it is to do.")
        parser.add_argument("role", help="The role's name in the database.")

    def run(self, console: Console, options: dict[str, Any]) -> None:
        vendor = vendor_of(find_backend(options).connection)
        role = options["role"]
        if not vendor.has_roles:
            raise CommandError("No grants are known for this kind of database.")
        if not re.fullmatch(r"[\w$.-]+", role) or role in _NO_ROLES:
            raise CommandError(f"{role!r} is no name of a role that can be quoted.")
        # A longer one is cut off, and may then be another role's.
        if len(role.encode()) > _LONGEST:
            raise CommandError(f"{role!r} is longer than {_LONGEST} bytes in UTF-8.")
        for statement in grants(options["part"], role, vendor.quote):
            console.line(statement)
