"""The reference lists what there is: no more, no less, and with the right defaults."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management.base import BaseCommand
from django.dispatch import Signal

import django_bgtasks
from django_bgtasks import conf, exponential, signals, testing
from django_bgtasks.management.commands import bgtasks, runbeat, runworker
from django_bgtasks.management.verbs.groups import SchedulesVerb

from .pages import DOCS, codes, read, rows, section

pytestmark = pytest.mark.once

COMMANDS = "reference/commands.md"
PACKAGE = Path(django_bgtasks.__file__).parent
VERBS = [verb.name for verb in bgtasks.VERBS]
# Flags of every command of Django.
COMMON = {
    flag
    for action in BaseCommand().create_parser("", "")._actions
    for flag in action.option_strings
}


def options_table() -> dict[str, str]:
    """Return the default of each documented option, as it is documented."""
    table = rows(section("reference/settings.md", "## OPTIONS"))
    return {codes(key)[0]: codes(default)[0] for key, default, _ in table}


def flags_of(parser: argparse.ArgumentParser) -> set[str]:
    found = {flag for action in parser._actions for flag in action.option_strings}
    return found - COMMON


def documented_flags(text: str) -> set[str]:
    cells = [row[0] for row in rows(text)]
    return {code.split()[0] for cell in cells for code in codes(cell)}


def verb_parser(*names: str) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser
    found = bgtasks.Command().create_parser("manage.py", "bgtasks")
    for name in names:
        (verbs,) = (
            action
            for action in found._actions
            if isinstance(action, argparse._SubParsersAction)
        )
        found = verbs.choices[name]
    return found


def test_every_option_is_documented() -> None:
    assert list(options_table()) == list(conf.OPTION_NAMES)


@pytest.mark.parametrize("field", fields(conf.Options), ids=lambda each: each.name)
def test_default_of_an_option_is_the_documented_one(field: Any) -> None:
    text = options_table()[field.name.upper()]
    value = eval(text, {"exponential": exponential})
    assert field.metadata["read"](value) == field.default


def test_every_flag_of_the_worker_is_documented() -> None:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    assert documented_flags(section(COMMANDS, "## runworker")) - {
        "SIGTERM",
        "SIGKILL",
    } == flags_of(parser)


def test_every_flag_of_the_beat_is_documented() -> None:
    parser = runbeat.Command().create_parser("manage.py", "runbeat")
    assert documented_flags(section(COMMANDS, "## runbeat")) == flags_of(parser)


def flag_rows() -> list[list[str]]:
    table = rows(section(COMMANDS, "## runworker"))
    return [row for row in table if len(row) == 4]


@pytest.mark.parametrize("row", flag_rows(), ids=lambda row: row[0])
def test_flag_of_the_worker_is_an_environment_variable(
    row: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    flag, (variable,) = codes(row[0])[0].split()[0], codes(row[1])
    name = flag.strip("-").replace("-", "_")
    given, read = {
        "burst": ("yes", True),
        "beat": ("yes", True),
        "reload": ("no", False),
        "queues": ("a,b", ("a", "b")),
        "exclude_queues": ("a,b", ("a", "b")),
    }.get(name, ("7", "7" if name in ("backend", "name") else 7))
    monkeypatch.setenv(variable, given)
    parser = runworker.Command().create_parser("manage.py", "runworker")
    assert getattr(parser.parse_args([]), name) == read


@pytest.mark.parametrize("row", flag_rows(), ids=lambda row: row[0])
def test_default_of_a_flag_is_the_documented_one(row: list[str]) -> None:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    name = codes(row[0])[0].split()[0].strip("-").replace("-", "_")
    default = parser.get_default(name)
    if documented := codes(row[2]):
        assert documented in (
            [f"{default:g}"] if name == "grace" else [str(default)],
            ["DEBUG"],
        )
    else:
        assert not default


def test_every_verb_is_documented() -> None:
    text = section(COMMANDS, "## bgtasks")
    assert re.findall(r"^### ([\w-]+)$", text, re.MULTILINE) == VERBS


def test_every_verb_about_schedules_is_documented() -> None:
    text = section(COMMANDS, "### schedules")
    names = [verb.name for verb in SchedulesVerb.verbs]
    assert re.findall(r"^#### schedules (\w+)$", text, re.MULTILINE) == names


@pytest.mark.parametrize("verb", [verb.name for verb in SchedulesVerb.verbs])
def test_every_flag_of_a_verb_about_schedules_is_documented(verb: str) -> None:
    text = section(COMMANDS, f"#### schedules {verb}")
    flags = flags_of(verb_parser("schedules", verb))
    assert documented_flags(text) | {"--backend"} == flags


@pytest.mark.parametrize(
    "verb", [each for each in VERBS if each not in ("worker", "schedules")]
)
def test_every_flag_of_a_verb_is_documented(verb: str) -> None:
    # Retry and cancel share a table, which stands under the latter.
    text = section(COMMANDS, f"### {'cancel' if verb == 'retry' else verb}")
    # Said once for all verbs.
    assert "`--backend`" in section(COMMANDS, "## bgtasks")
    assert documented_flags(text) | {"--backend"} == flags_of(verb_parser(verb))


def test_verb_worker_has_the_flags_of_runworker() -> None:
    parser = runworker.Command().create_parser("manage.py", "runworker")
    assert flags_of(verb_parser("worker")) == flags_of(parser)


def test_every_system_check_is_documented() -> None:
    sources = [PACKAGE / "checks.py", *(PACKAGE / "vendors").glob("*.py")]
    used = {
        code
        for source in sources
        for code in re.findall(r"\b[EW]\d{3}\b", source.read_text())
    }
    documented = [codes(row[0])[0] for row in rows(read("reference/checks.md"))]
    assert documented == sorted(documented)
    assert set(documented) == used


@pytest.mark.parametrize(
    "model",
    [*apps.get_app_config("django_bgtasks").get_models()],
    ids=lambda model: model.__name__,
)
def test_every_table_and_column_is_documented(model: Any) -> None:
    text = section("reference/tables.md", f"## {model.__name__}")
    assert f"`{model._meta.db_table}`" in text
    names = [field.name for field in model._meta.concrete_fields]
    assert [codes(row[0])[0] for row in rows(text)] == names


@pytest.mark.parametrize(
    "name",
    [
        *(f"django_bgtasks.{name}" for name in django_bgtasks.__all__),
        *(f"django_bgtasks.testing.{name}" for name in testing.__all__),
        *(
            f"django_bgtasks.exceptions.{name}"
            for name, value in vars(import_module("django_bgtasks.exceptions")).items()
            if isinstance(value, type)
            and issubclass(value, BaseException)
            and value.__module__ == "django_bgtasks.exceptions"
            and name not in django_bgtasks.__all__
        ),
    ],
)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    pages = [path.read_text() for path in (DOCS / "reference").glob("*.md")]
    # The backend is what settings name; nobody calls it.
    directive = rf"\.\. auto\w+:: {re.escape(name)}(\(|$)"
    named = rf"`{re.escape(name.replace('.Database', '.backend.Database'))}`"
    assert any(
        re.search(directive, page, re.MULTILINE)
        or (name.endswith("Backend") and re.search(named, page))
        for page in pages
    )


def test_every_signal_is_documented() -> None:
    ours = {name for name, each in vars(signals).items() if isinstance(each, Signal)}
    text = section("reference/signals.md", "## Of this package")
    assert ours == set(re.findall(r"^`(\w+)`\n:", text, re.MULTILINE))
