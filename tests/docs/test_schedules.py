"""The page on declared schedules lists the options that there are."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from django_bgtasks.periodic.declaration import (
    OPTION_NAMES,
    Declaration,
    read_declaration,
)

from .pages import codes, read, rows, section

pytestmark = pytest.mark.once

PAGE = "reference/schedules.md"
TIMINGS = {"crontab", "every", "at", "solar", "latitude", "longitude"}


def table() -> dict[str, str]:
    """Return the default of each documented option, as it is documented."""
    lines = rows(section(PAGE, "## All options"))
    return {codes(option)[0]: default for option, default, _ in lines}


def declared(**options: Any) -> Declaration:
    return read_declaration(
        {"crontab": "@daily", **options},
        name="name",
        task_path="path",
        backend="default",
        origin="code",
        timezone="UTC",
    )


def test_every_option_is_documented() -> None:
    assert set(table()) == {*OPTION_NAMES, "name", "backend"}


def test_every_option_is_in_the_signature() -> None:
    (signature,) = (
        line for line in read(PAGE).splitlines() if ".. autofunction::" in line
    )
    for option in table():
        assert f"{option}=" in signature


@pytest.mark.parametrize(
    "option", sorted({*OPTION_NAMES} - TIMINGS - {"timezone", "anchor_at"})
)
def test_default_of_an_option_is_the_documented_one(option: str) -> None:
    default = eval(codes(table()[option])[0])
    assert declared(**{option: default}) == declared()


def test_all_fields_of_a_declaration_are_options() -> None:
    assert len(fields(Declaration)) == len(OPTION_NAMES) + len(
        {"name", "task_path", "backend", "origin", "kind"}
    )
