"""The package keeps to its layers, and every rule that says so can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .rules import (
    FUNCTION_LINES,
    MODULE_LINES,
    RULES,
    functions_are_short,
    imports_go_left,
    modules_are_short,
    no_circles,
    states_are_written_in_the_lifecycle,
    steps_stand_alone,
    vendor_words_stay_home,
)
from .source import Module, Modules, read_package

ROOT = Path(__file__).resolve().parent.parent.parent
Rule = Callable[[Modules], list[str]]

# Rule and start of a violation: why it stands. Hints of the system checks speak to
# people about their database, by its name.
ALLOWED: dict[tuple[Rule, str], str] = {}


def package(**texts: str) -> dict[str, Module]:
    """Make modules of texts; ``models__job`` is django_bgtasks.models.job."""
    names = {key.replace("__", "."): text for key, text in texts.items()}
    parents = {name.split(".")[0] for name in names if "." in name}
    modules = [Module("django_bgtasks", "", is_package=True)]
    modules += [
        Module(f"django_bgtasks.{name}", names.get(name, ""), name in parents)
        for name in sorted({*names, *parents})
    ]
    return {module.name: module for module in modules}


@pytest.fixture(scope="module")
def source() -> dict[str, Module]:
    return read_package(ROOT)


@pytest.mark.parametrize("rule", RULES)
def test_package_keeps_the_rule(rule: Rule, source: dict[str, Module]) -> None:
    allowed = tuple(start for each, start in ALLOWED if each is rule)
    violations = rule(source)
    assert [line for line in violations if not line.startswith(allowed)] == []
    unused = [a for a in allowed if not any(v.startswith(a) for v in violations)]
    assert unused == [], "These exceptions are no longer needed."


def test_whole_package_is_read(source: dict[str, Module]) -> None:
    assert {"django_bgtasks", "django_bgtasks.models.job"} < set(source)


@pytest.mark.parametrize(
    "modules",
    [
        package(conf="from .models import Job", models=""),
        package(conf="from django_bgtasks.models import Job", models=""),
        package(conf="import django_bgtasks.models", models=""),
        package(conf="from . import models", models=""),
        package(conf="import django_bgtasks"),
        package(conf="from django_bgtasks import task"),
        package(registry="def f():\n    from .models.job import Job", models__job=""),
        package(
            models__job="class A:\n    def f(self): from ..lifecycle import run",
            lifecycle__run="",
        ),
        package(
            lifecycle__claim="from ..processes.pool import Pool", processes__pool=""
        ),
        package(upkeep__prune="from ...django_bgtasks.checks import x", checks=""),
        package(
            vendors__base="if TYPE_CHECKING:\n    from ..models import Job", models=""
        ),
        package(processes__pool="from ..backend import DatabaseBackend", backend=""),
        package(helpers=""),
    ],
)
def test_import_to_the_right_is_found(modules: dict[str, Module]) -> None:
    assert len(imports_go_left(modules)) == 1


@pytest.mark.parametrize(
    "modules",
    [
        package(models__job="from ..vendors import vendor_of", vendors=""),
        package(models__job="from .queue import Queue", models__queue=""),
        package(backend="from .lifecycle import operate", lifecycle__operate=""),
        package(processes__pool="from .. import __version__"),
        package(conf="from django.db import models"),
    ],
)
def test_import_to_the_left_is_fine(modules: dict[str, Module]) -> None:
    assert imports_go_left(modules) == []


@pytest.mark.parametrize(
    "text",
    [
        "from .finish import write",
        "from . import finish",
        "def f():\n  from . import finish",
    ],
)
def test_step_that_imports_a_step_is_found(text: str) -> None:
    modules = package(lifecycle__claim=text, lifecycle__finish="")
    assert len(steps_stand_alone(modules)) == 1


def test_run_imports_steps_and_steps_import_values() -> None:
    modules = package(
        lifecycle__run="from . import claim, outcome",
        lifecycle__claim="from .outcome import Outcome",
        lifecycle__outcome="",
        lifecycle__enqueue="from .call import checked",
        lifecycle__call="",
    )
    assert steps_stand_alone(modules) == []


@pytest.mark.parametrize(
    "modules",
    [
        package(conf="from . import backoff", backoff="from . import conf"),
        package(
            conf="from . import backoff",
            backoff="from .payload import dump",
            payload="def f():\n    from .conf import read",
        ),
        package(models="from .job import Job", models__job="from . import Queue"),
    ],
)
def test_circle_is_found(modules: dict[str, Module]) -> None:
    assert len(no_circles(modules)) == 1


def test_circle_of_type_checkers_only_is_fine() -> None:
    text = "if TYPE_CHECKING:\n    from .conf import Options"
    assert no_circles(package(conf="from . import backoff", backoff=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 'postgresql'",
        "x = f'{a} of MySQL'",
        "if kind == 'mariadb': pass",
        "def on_sqlite(): pass",
        "import sqlite3",
        "from django.db.backends.postgresql import base",
        "x.select_for_update(skip_locked=True)",
        "x = connection.vendor",
        "x = connections[alias].vendor",
        "x = self.connection.features.has_select_for_update",
        "x = schema_editor.connection.vendor",
        "def f():\n    x = 1\n    'not a docstring: sqlite'",
    ],
)
def test_vendor_word_outside_its_home_is_found(text: str) -> None:
    assert vendor_words_stay_home(package(lifecycle__claim=text))
    assert vendor_words_stay_home(package(vendors__base=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "'''On SQLite this waits.'''",
        "def f():\n    '''PostgreSQL does it in one statement.'''",
        "x = 1  # mysql",
        "self.vendor.now()",
    ],
)
def test_vendor_word_in_documentation_is_fine(text: str) -> None:
    assert vendor_words_stay_home(package(lifecycle__claim=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "ReadyJob.objects.create(job=job)",
        "models.RunningJob.objects.filter(pk=1).delete()",
        "FinishedJob.objects.using(alias).bulk_create(rows)",
        "await DeferredJob.objects.filter(pk=1).aupdate(attempt=2)",
        "Attempt(job=job).save()",
        "row = RunningJob.objects.get(pk=1)\nrow.save()",
        "rows = ReadyJob.objects.all()\nsome = rows.filter(rank=1)\nsome.delete()",
        "for row in ReadyJob.objects.all():\n    row.delete()",
        "from .models import ReadyJob as R\nR.objects.update(rank=0)",
        "vendor.put([Insert(table_of(ReadyJob), (), [])])",
        "cursor.execute('DELETE FROM django_bgtasks_readyjob')",
        "cursor.execute(f'UPDATE {table} SET rank = 1')",
    ],
)
def test_state_written_elsewhere_is_found(text: str) -> None:
    assert len(states_are_written_in_the_lifecycle(package(admin=text))) == 1
    assert states_are_written_in_the_lifecycle(package(lifecycle__finish=text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "ReadyJob.objects.filter(rank=1).count()",
        "Queue.objects.update(paused_at=None)",
        "hash.update(b'')",
        "'''DELETE FROM is not for here.'''",
    ],
)
def test_reading_states_and_writing_others_is_fine(text: str) -> None:
    assert states_are_written_in_the_lifecycle(package(admin=text)) == []


def test_long_module_is_found() -> None:
    assert modules_are_short(package(conf="x = 1\n" * MODULE_LINES)) == []
    assert len(modules_are_short(package(conf="x = 1\n" * (MODULE_LINES + 1)))) == 1


@pytest.mark.parametrize("start", ["def f():\n", "async def f():\n"])
def test_long_function_is_found(start: str) -> None:
    body = "    x = 1\n" * (FUNCTION_LINES - 1)
    promise = "    '''A promise\n\n    of four\n    lines.'''\n"
    assert functions_are_short(package(conf=start + promise + body)) == []
    assert len(functions_are_short(package(conf=f"{start}{body}    x = 1\n"))) == 1
