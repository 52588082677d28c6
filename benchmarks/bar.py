"""What is asked of the figures, and whether they hold it.

Each rule sets a figure of ours against one of another subject in the same run, or
against a number. Nothing here measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .figures import Summary

OURS = "bgtasks"
# A figure is known by vendor, subject and name.
Found = Mapping[tuple[str, str, str], Summary]


@dataclass(frozen=True, slots=True)
class Rule:
    """A figure of ours that is to be at most, or at least, so much."""

    work: str
    figure: str
    bound: float
    at_most: bool = True
    # The subject and the figure that the bound is a multiple of; a number without.
    against: tuple[str, str] | None = None
    # How the other is called in words.
    other: str = ""
    # A figure of ours that is taken off first.
    less: str | None = None
    vendor: str = "postgresql"
    # Of the bound, where it is a number.
    unit: str = ""

    @property
    def needs(self) -> set[tuple[str, str, str]]:
        """The figures that it sets against each other."""
        names = [(OURS, self.figure)]
        if self.against is not None:
            names.append(self.against)
        if self.less is not None:
            names.append((OURS, self.less))
        return {(self.vendor, *name) for name in names}

    def judge(self, found: Found) -> Judgement:
        """Hold the rule against what was found; held is None if it was not."""
        if not self.needs <= found.keys():
            return Judgement(self, None, None, self.unit, None)
        ours = found[self.vendor, OURS, self.figure]
        value, reference = ours.middle, 1.0
        if self.less is not None:
            value -= found[self.vendor, OURS, self.less].middle
        if self.against is not None:
            reference = found[self.vendor, *self.against].middle
        ratio = value / reference
        held = ratio <= self.bound if self.at_most else ratio >= self.bound
        return Judgement(self, value, ratio, ours.unit, held)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a rule."""

    rule: Rule
    # Our figure, and what it is of the other's; the same where there is no other.
    value: float | None
    ratio: float | None
    unit: str
    held: bool | None


_TWO, _ONE = "drain 2x1 seen", "drain 1x1 seen"
_DRAIN, _SINGLE = "drain no-op, 2 processes", "drain no-op, 1 process of 1 thread"
_ENQUEUE = "enqueue one, wake-up included, p50"
_LATENCY = "latency, idle to start"
_IDLE = "idle worker of two processes"


def _least(work: str, figure: str, bound: float, *against: str) -> Rule:
    subject, name, other = against
    return Rule(
        work, figure, bound, at_most=False, against=(subject, name), other=other
    )


def _most(work: str, figure: str, bound: float, *against: str) -> Rule:
    subject, name, other = against
    return Rule(work, figure, bound, True, (subject, name), other)


RULES = (
    _least(_DRAIN, _TWO, 1.1, "pgqueuer", _TWO, "pgqueuer"),
    _least(_DRAIN, _TWO, 10, "celery-redis", _TWO, "Celery + Redis"),
    _least(_DRAIN, _TWO, 25, "django-tasks-db", _TWO, "django-tasks-db"),
    _least(
        *(_DRAIN, _TWO, 0.4),
        *(OURS, "limit: drain by pgbench, 2 clients", "pgbench, 2 clients"),
    ),
    _least(_SINGLE, _ONE, 1.0, "pgqueuer", _ONE, "pgqueuer"),
    _most(_ENQUEUE, "enqueue p50", 1.0, "pgqueuer", "enqueue p50", "pgqueuer"),
    _most(
        *(_ENQUEUE, "enqueue p50", 1.0),
        *("celery-redis", "enqueue p50", "Celery + Redis"),
    ),
    _most(
        *(_ENQUEUE, "enqueue p50", 2.0),
        *(OURS, "limit: insert by psycopg p50", "an INSERT by psycopg"),
    ),
    _most(
        *("enqueue one in a transaction, p50", "enqueue in transaction p50", 0.5),
        *(OURS, "enqueue p50", "its own commit"),
    ),
    _least(
        *("enqueue_many", "enqueue_many rate", 1.1),
        *("pgqueuer", "enqueue_many rate", "pgqueuer"),
    ),
    _most(
        *(f"{_LATENCY}, p50", "latency p50", 0.9),
        *("celery-redis", "latency p50", "Celery + Redis"),
    ),
    Rule(f"{_LATENCY}, p99", "latency p99", 5, unit="ms"),
    Rule("1,000 coroutines of 50 ms", "1,000 coroutines seen", 0.12, unit="s"),
    Rule(
        "1,000 tasks of 50 ms in 50 threads", "1,000 in 50 threads seen", 1.15, unit="s"
    ),
    # Half a percent of a core.
    Rule(f"{_IDLE}: CPU in 20 s", "idle 2x1 CPU per 20 s", 0.1, unit="s"),
    Rule(f"{_IDLE}: statements", "idle 2x1 transactions", 2, unit="/s"),
    Rule(
        "memory of a worker process, above a shell's",
        *("drain 2x1 RSS of a worker", 70),
        less="RSS of a shell",
        unit="MB",
    ),
    # It may be faster with one process than with two.
    *(
        Rule(
            *("SQLite: drain", _TWO, 5, False),
            *(("huey-sqlite", figure), f"huey + SQLite, {processes}"),
            vendor="sqlite",
        )
        for figure, processes in ((_TWO, "2 processes"), (_ONE, "1 process"))
    ),
    Rule(
        *("SQLite: enqueue one, p50", "enqueue p50", 1.5, True),
        *(("huey-sqlite", "enqueue p50"), "huey + SQLite"),
        vendor="sqlite",
    ),
    Rule("MariaDB: drain", _TWO, 8_000, False, vendor="mariadb", unit="/s"),
)
