"""The ledger: what was asked for, against what was done.

Pure: facts in, an account out. ``facts`` reads them, from the database and from the
journals beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

# The outcomes that a kind of job may have; others succeed, whatever comes.
_FATES = {
    "doomed": {"failed"},
    "overtime": {"failed"},
    "cancelled": {"cancelled", "succeeded"},
}
_ATOMIC = {
    "atomic",
    "chain",
    "flaky-atomic",
    "doomed",
    "held-atomic",
    "due",
    "hostile-atomic",
}
# These delete their own rows: neither job nor end is asked for.
_NOT_COUNTED = {"deleter"}
# Between the end of a body and the commit that records it, on a busy machine.
_SECONDS_TO_FINISH = 2.0
# Nobody begins or ends anything for so long, with work to do and no harm done.
_STANDSTILL = 20.0
# Lines of the journal that end an attempt.
_MEANT = ("raised TaskTimeout", "raised TaskCancelled")
_ENDS = ("ended", "meant", "raised")


@dataclass(frozen=True)
class Blow:
    """What a fault did: from when to when, and to which processes (None: to all).

    ``lingers``: how long after its end somebody may still stumble over it.
    """

    fault: str
    began: float
    ended: float
    pids: frozenset[int] | None = None
    story: str = ""
    lingers: float = 0.0


@dataclass(frozen=True)
class Run:
    """An attempt's body: ``ended`` is None, and ``how`` empty, if it never did."""

    key: str
    attempt: int
    pid: int
    began: float
    ended: float | None = None
    how: str = ""

    @property
    def is_torn(self) -> bool:
        return self.ended is None or (
            self.how.startswith("raised") and self.how not in _MEANT
        )

    def was_hit_by(self, blow: Blow) -> bool:
        if blow.pids is not None and self.pid not in blow.pids:
            return False
        if self.ended is not None and blow.began > self.ended + _SECONDS_TO_FINISH:
            return False
        return blow.ended + blow.lingers >= self.began


@dataclass
class Facts:
    """``jobs``: the ids of each key; ``standing``: the tables that hold an id, and of
    a finished one its outcome; ``effects``: rows that the tasks left, of each key."""

    asked: set[str] = field(default_factory=set)
    committed: set[str] = field(default_factory=set)
    rolled_back: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    jobs: dict[str, list[str]] = field(default_factory=dict)
    standing: dict[str, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    effects: Counter[str] = field(default_factory=Counter)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    blows: list[Blow] = field(default_factory=list)


@dataclass
class Account:
    """The sums, and each broken promise in words."""

    asked: int = 0
    jobs: int = 0
    runs: int = 0
    repeats: int = 0
    blows: int = 0
    # How the harm was felt: attempts that never ended or met an error, and enqueues
    # of which the caller does not know whether they were committed.
    torn: int = 0
    unknown: int = 0
    # Attempts that some blow has hit: were they run again, nobody would wonder.
    excused: int = 0
    # Seconds from a blow until the job that it tore was run again, at the longest.
    slowest: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    # What the crew did wrong beside its jobs: it hung, or left something behind.
    disorder: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        kinds = ("lost", "doubled", "ghosts", "unexplained", "disorder")
        return [f"{kind}: {each}" for kind in kinds for each in getattr(self, kind)]


def audit(facts: Facts) -> Account:
    """Compare what was asked for with what was done."""
    facts = _counted(facts)
    account = Account(
        asked=len(facts.asked | facts.committed),
        jobs=sum(map(len, facts.jobs.values())),
        runs=sum(map(len, facts.runs.values())),
        repeats=sum(len(runs) - 1 for runs in facts.runs.values()),
        blows=len(facts.blows),
        torn=sum(run.is_torn for run in _all_runs(facts)),
        unknown=len(facts.unknown),
        excused=sum(any(map(run.was_hit_by, facts.blows)) for run in _all_runs(facts)),
        slowest=max(_gaps(facts), default=0.0),
        outcomes=Counter(facts.outcomes.values()),
    )
    account.lost += _lost(facts)
    account.doubled += _doubled(facts)
    account.ghosts += _ghosts(facts)
    account.unexplained += _unexplained(facts)
    account.disorder += _standstills(facts)
    return account


def _all_runs(facts: Facts) -> list[Run]:
    return [run for some in facts.runs.values() for run in some]


def _counted(facts: Facts) -> Facts:
    """Leave out the jobs of which nothing is promised."""
    gone = {
        key for key in facts.asked | facts.committed | facts.unknown if _is_out(key)
    }
    return replace(
        facts,
        asked=facts.asked - gone,
        committed=facts.committed - gone,
        unknown=facts.unknown - gone,
        jobs={key: ids for key, ids in facts.jobs.items() if not _is_out(key)},
        runs={key: runs for key, runs in facts.runs.items() if not _is_out(key)},
    )


def _is_out(key: str) -> bool:
    return kind_of(key) in _NOT_COUNTED


def kind_of(key: str) -> str:
    """The kind of a job's task, from its key: ``atomic-link-chain-a-1`` is atomic."""
    if "link-" in key:
        return "atomic" if key.startswith("atomic-link-") else "plain"
    if key.startswith("due-"):
        return "due"
    return key.rsplit("-", 2)[0]


def is_atomic(key: str) -> bool:
    return kind_of(key) in _ATOMIC


def _lost(facts: Facts) -> Iterator[str]:
    """What was committed and has not come to the end that belongs to it."""
    for key in sorted((facts.asked | facts.committed) - facts.jobs.keys()):
        yield f"{key} was committed, and there is no job"
    for key, ids in facts.jobs.items():
        fates = _FATES.get(kind_of(key), {"succeeded"})
        for job in ids:
            yield from _lost_job(facts, f"{key} ({job})", job, fates)
        if kind_of(key) == "chain" and _outcome(facts, ids) == "succeeded":
            for link in (f"link-{key}", f"atomic-link-{key}"):
                if link not in facts.jobs:
                    yield f"{link}, which {key} enqueued, is no job"
        if _outcome(facts, ids) == "succeeded" and not facts.effects[key]:
            yield f"{key} succeeded without its effect"


def _lost_job(facts: Facts, name: str, job: str, fates: set[str]) -> Iterator[str]:
    tables = facts.standing.get(job, [])
    if tables != ["finished"]:
        yield f"{name} is {' and '.join(tables) or 'nowhere'}"
    elif facts.outcomes[job] not in fates:
        yield f"{name} is {facts.outcomes[job]}"


def _doubled(facts: Facts) -> Iterator[str]:
    """Two jobs of one enqueue, and effects of atomic tasks that are not once."""
    for key, ids in facts.jobs.items():
        if len(ids) > 1:
            yield f"{key} has {len(ids)} jobs"
        if is_atomic(key):
            wanted = int(_outcome(facts, ids) == "succeeded")
            if facts.effects[key] > wanted:
                how = _outcome(facts, ids) or "not finished"
                yield f"{key} is {how}, with {facts.effects[key]} effects"


def _ghosts(facts: Facts) -> Iterator[str]:
    """What nobody has committed, and is there."""
    for key in sorted(facts.rolled_back):
        if key in facts.jobs or key in facts.runs or facts.effects[key]:
            yield f"{key} was rolled back"
    known = facts.jobs.keys()
    for key in sorted((facts.runs.keys() | facts.effects.keys()) - known):
        if key not in facts.rolled_back:
            yield f"{key} ran, and there is no job"
    # In autocommit, nothing but the job itself is written.
    spoken = facts.asked | facts.committed | facts.unknown
    for key in sorted(known - spoken):
        if "link-" not in key and kind_of(key) != "due":
            yield f"{key} is a job that nobody asked for"


def _unexplained(facts: Facts) -> Iterator[str]:
    """Runs that were repeated though neither plan nor fault says why."""
    for key, runs in facts.runs.items():
        # A zombie may run an attempt that was given up long ago: by their numbers.
        for run in sorted(runs, key=lambda run: (run.attempt, run.began))[:-1]:
            planned = run.how == "meant"
            if not planned and not any(map(run.was_hit_by, facts.blows)):
                yield (
                    f"{key} ran again after attempt {run.attempt} in {run.pid} at "
                    f"{run.began:.2f}, which {run.how or 'never ended'}"
                )


def _standstills(facts: Facts) -> Iterator[str]:
    """Jobs that were left lying, though there were workers to run them."""
    runs = _all_runs(facts)
    ends = [run.ended for run in runs if run.ended is not None]
    times = sorted([*(run.began for run in runs), *ends])
    first = {run.began: run for run in runs}
    for before, after in pairwise(times):
        harm = [each.ended + each.lingers for each in facts.blows if each.began < after]
        calm = after - max([before, *harm])
        if calm <= _STANDSTILL:
            continue
        lasts = any(
            run.began <= before and run.ended is not None and run.ended >= after
            for run in runs
        )
        key = first[after].key if after in first else ""
        # What is due comes when it is due.
        if key and not lasts and kind_of(key) != "due":
            yield f"nothing was done for {calm:.0f} s; then {key} began"


def _gaps(facts: Facts) -> Iterator[float]:
    """How long each job that was torn in the midst waited for its next run."""
    for runs in facts.runs.values():
        for run, following in pairwise(runs):
            if run.ended is None:
                ends = [blow.ended for blow in facts.blows if run.was_hit_by(blow)]
                before = [end for end in ends if end <= following.began]
                if before:
                    yield following.began - max(before)


def _outcome(facts: Facts, ids: list[str]) -> str:
    return next((facts.outcomes[job] for job in ids if job in facts.outcomes), "")


def pair(lines: Iterable[dict[str, Any]]) -> dict[str, list[Run]]:
    """Join the lines that begin and end an attempt, of each key in their order."""
    begun: dict[tuple[str, int, int], list[Run]] = defaultdict(list)
    runs: dict[str, list[Run]] = defaultdict(list)
    for line in lines:
        at = (line["key"], line["attempt"], line["pid"])
        if line["what"] == "began":
            run = Run(*at, began=line["at"])
            begun[at].append(run)
            runs[run.key].append(run)
        elif begun[at] and line["what"].startswith(_ENDS):
            open_run = begun[at].pop()
            whole = runs[open_run.key]
            ended = Run(*at, open_run.began, line["at"], line["what"])
            whole[whole.index(open_run)] = ended
    return dict(runs)
