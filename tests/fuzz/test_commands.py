"""Whatever is typed after a command, it is done or refused in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection, transaction

from django_bgtasks.management.commands import runbeat, runworker
from django_bgtasks.management.worker_options import check_name, config_from
from django_bgtasks.models import Job, Queue, Schedule

from .cases import cases, tried, unhurried
from .junk import UNSTORABLE, Junk
from .scene import Scene, make_scene

pytestmark = [pytest.mark.django_db, unhurried]

Words = Callable[[Junk], str]


def choice(*texts: str) -> Words:
    """Make a word: one of these, or junk."""
    return lambda junk: junk.choice((*texts, junk.text(storable=False)))


NUMBER = choice("1", "5", "100", "9" * 18, "9" * 19)
LENGTH = choice("30s", "7d", "0", "1e5", "9999999999w", "36525d")
STATE = choice("ready", "failed", "finished", "running", "lost")
QUEUE = choice("default", "mail", "slow")
TASK = choice("tests.testapp.tasks.record", "os.system")
BACKEND = choice("default")
FORMAT = choice("json", "text", "yaml")

VERBS: dict[str, dict[str, Words | None]] = {
    "status": {
        "--format": FORMAT,
        "--max-depth": NUMBER,
        "--max-age": LENGTH,
        "--max-failed": NUMBER,
        "--min-workers": NUMBER,
    },
    "list": {
        "--state": STATE,
        "--queue": QUEUE,
        "--task": TASK,
        "--limit": NUMBER,
        "--format": FORMAT,
    },
    "show": {"--format": FORMAT},
    "retry": {"--state": STATE, "--queue": QUEUE, "--task": TASK, "--all": None},
    "cancel": {"--state": STATE, "--queue": QUEUE, "--task": TASK, "--all": None},
    "pause": {},
    "resume": {},
    "prune": {"--older-than": LENGTH, "--limit": NUMBER, "--dry-run": None},
    "schedules list": {"--format": FORMAT},
    "schedules next": {"--count": NUMBER, "--format": FORMAT},
    "schedules run": {},
    "schedules enable": {},
    "schedules disable": {},
    "schedules export": {"--format": FORMAT},
    "grants": {},
    "import-celery-beat": {
        "--database": choice("default"),
        "--beat-schedule": choice("tests.celery_beat.tasks"),
        "--only": choice("a"),
        "--map": choice("a=b"),
        "--map-queue": choice("a=b"),
        "--prefix": choice("celery: "),
        "--timezone": choice("UTC"),
        "--priorities": choice("low-first"),
        "--format": FORMAT,
        "--write": None,
    },
}
NAMES: dict[str, Words] = {
    "pause": QUEUE,
    "resume": QUEUE,
    "schedules next": choice("nightly"),
    "schedules run": choice("nightly"),
    "schedules enable": choice("nightly"),
    "schedules disable": choice("nightly"),
    "schedules export": choice("nightly"),
}
PART = choice("web", "worker", "beat", "admin")
ROLE = choice("site", "Site-1.$", "public", "none", "é" * 40, "x" * 63, "\u0663")


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene()


def words(junk: Junk, verb: str, scene: Scene) -> Iterator[str]:
    yield from verb.split()
    options = {**VERBS[verb], "--backend": BACKEND}
    for name in junk.sample(sorted(options), junk.randrange(min(4, len(options) + 1))):
        make = options[name]
        yield name if make is None else f"{name}={make(junk)}"
    if verb in ("retry", "cancel", "prune"):
        yield "--no-input"
    if verb in NAMES:
        yield NAMES[verb](junk)
    elif verb == "grants":
        yield from (PART(junk), ROLE(junk))
    elif verb in ("show", "retry", "cancel") and junk.random() < 0.8:
        yield junk.choice((*scene.jobs, junk.text(storable=False)))


def said(*arguments: str) -> str:
    """Run the command, and return what it said; nothing if it refused, in words."""
    out, refusal = StringIO(), "none"
    try:
        call_command("bgtasks", *arguments, stdout=out, stderr=StringIO())
    except CommandError as error:
        refusal = str(error).strip()
    assert refusal
    assert "Traceback" not in refusal
    # A terminal takes no more than can be encoded.
    out.getvalue().encode()
    return out.getvalue()


def granted(statements: str, role: str) -> None:
    """See that the statements grant something to this role, which is not there."""
    for statement in statements.splitlines():
        refusal = ""
        with suppress(ProgrammingError), transaction.atomic():
            try:
                connection.cursor().execute(statement)
            except ProgrammingError as error:
                refusal = str(error)
                raise
        assert f'role "{role}" does not exist' in refusal, statement


def test_verbs(scene: Scene) -> None:
    for junk in cases("commands", 200):
        arguments = list(words(junk, junk.choice(tuple(VERBS)), scene))
        with tried(junk), transaction.atomic():
            junk.says(arguments)
            jobs = Job.objects.count()
            shown = said(*arguments)
            if arguments[0] == "grants":
                granted(shown, arguments[-1])
            if arguments[0] != "schedules" and arguments[0] != "prune":
                assert Job.objects.count() == jobs
            assert all(1 <= len(each.name) <= 128 for each in Queue.objects.all())
            transaction.set_rollback(True)


def test_files_of_schedules(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "schedules"
    keys = ("task", "crontab", "every", "at", "timezone", "args", "enabled", "jitter")
    for junk in cases("files", 80):
        record = {key: junk.json() for key in junk.sample(keys, 3)}
        record["task"] = junk.choice(("tests.testapp.tasks.record", junk.json()))
        text = json.dumps({junk.text(): junk.choice((record, junk.json()))})
        text = junk.choice((text, text[: junk.randrange(len(text))], junk.text(), *ODD))
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        form = junk.choice(("json", "yaml"))
        with tried(junk), transaction.atomic():
            junk.says(form, text)
            before = Schedule.objects.count()
            shown = said("schedules", "import", str(file), f"--format={form}")
            if not shown:
                assert Schedule.objects.count() == before
            transaction.set_rollback(True)


# What readers of YAML and JSON are known to stumble over.
ODD = (
    *("a: 2026-13-45", "a: !!timestamp x", "a: !!int x", "a: !!float x", "a: !!bool x"),
    *(
        "!!python/object/apply:os.system ['true']",
        "a: !!binary é",
        "? [a]\n: 1",
        "&a *a",
    ),
    *("a: &a [*a]", "a: &a {b: *a}", "[" * 100_000, "- " * 5_000, "{a: " * 2_000, "\t"),
    *(
        "a: 0o9",
        "a: 1:99:99",
        "%YAML 9.9\n---\n",
        "---\n---\n",
        "a: !x y",
        "\x85",
        "<<: 1",
    ),
    *(
        '{"a": 1e999}',
        '{"a": NaN}',
        "9" * 5000,
        '{"a":' * 100_000,
        '"\\ud800"',
        "\udcff",
    ),
    *('{"\\ud800": {}}', '{"a": {"task": "\\ud800"}}', '{"a": {"task": "\\u0000"}}'),
)

FLAGS: dict[str, Words | None] = {
    "--backend": BACKEND,
    "--queues": QUEUE,
    "--exclude-queues": QUEUE,
    "--processes": NUMBER,
    "--threads": NUMBER,
    "--coroutines": NUMBER,
    "--max-jobs": NUMBER,
    "--max-memory": NUMBER,
    "--grace": choice("30", "1e300", "nan", "inf"),
    "--name": choice("worker"),
    "--verbosity": choice("0", "3"),
    "--burst": None,
    "--no-reload": None,
}


@pytest.mark.once
def test_flags_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    read, refused = 0, []
    for junk in cases("flags", 150):
        command: Any = junk.choice((runworker, runbeat)).Command()
        given = []
        with tried(junk), monkeypatch.context() as patch:
            for name in junk.sample(sorted(FLAGS), 3):
                make = FLAGS[name]
                value = "1" if make is None else make(junk)
                if junk.random() < 0.4 and value not in UNSTORABLE:
                    variable = f"BGTASKS_{name.strip('-').replace('-', '_').upper()}"
                    patch.setenv(variable, value)
                    given.append(f"{variable}={value}")
                else:
                    given.append(name if make is None else f"{name}={value}")
            junk.says(given)
            try:
                command._called_from_command_line = False
                parser = command.create_parser("manage.py", "run")
                found = vars(parser.parse_args([x for x in given if x[0] == "-"]))
                check_name(found["name"])
                if "threads" in found:
                    config = config_from(found)
                    assert config.processes >= 1 <= config.threads
                read += 1
            except CommandError as error:
                refused.append(str(error))
    assert all(refused)
    assert read
