"""How many jobs finish, estimated without an index on the time of finishing.

A finished job's ``keep_until`` is indexed, and is its end plus its retention. The
retentions are known: those of OPTIONS and of the declared tasks. So for each of
them the newest ends are the last entries of one range of that index. At most
SAMPLE of each are read; where those do not reach back over the window, the rate
is that of the time they do reach. Jobs that are not kept are not seen. Of jobs
that are kept for ever, the latest enqueued stand in for the latest finished.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from .. import registry
from ..compat import task_backends
from ..conf import Options, retention
from ..models import FinishedJob, OutcomeKind
from ..results import public
from ..vendors import Vendor

SAMPLE = 10_000
MINUTE, FIVE_MINUTES = 60.0, 300.0
# A worker's estimate of the database's clock may run ahead of it by so much.
_AHEAD = timedelta(minutes=1)
_SHORTEST = 0.001

Retentions = Collection[timedelta | None]


class Finish(NamedTuple):
    """The end of a job, ``age`` seconds ago."""

    queue_name: str
    succeeded: bool
    age: float


@dataclass(frozen=True, slots=True)
class Sample:
    """The ends of the last ``reach`` seconds, none of them missing."""

    finishes: list[Finish]
    reach: float


@dataclass(frozen=True, slots=True)
class Throughput:
    """Jobs finished per second over the last minute and the last five; how many
    failed in the last five. Where not ``exact``, extrapolated from a sample."""

    last_minute: float = 0.0
    last_five: float = 0.0
    failed: int = 0
    exact: bool = True


def read_rates(vendor: Vendor, kept: Retentions) -> Mapping[str, Throughput]:
    """Estimate the throughput of each queue in which jobs finished lately."""
    return throughput(list(_samples(vendor, kept)))


def throughput(samples: Iterable[Sample]) -> dict[str, Throughput]:
    """Add samples up, each over the time that it covers."""
    minute: dict[str, float] = defaultdict(float)
    five: dict[str, float] = defaultdict(float)
    failed: dict[str, int] = defaultdict(int)
    exact = True
    for sample in samples:
        exact = exact and (sample.reach >= FIVE_MINUTES or not sample.finishes)
        spans = [(minute, min(MINUTE, sample.reach)), (five, sample.reach)]
        for finish in sample.finishes:
            for rates, span in spans:
                if finish.age <= span:
                    rates[finish.queue_name] += 1 / max(span, _SHORTEST)
            failed[finish.queue_name] += not finish.succeeded
    return {
        name: Throughput(minute[name], five[name], failed[name], exact)
        for name in sorted(five)
    }


def retentions_in(database: str) -> set[timedelta | None]:
    """Return how long jobs in a database are kept, by its settings and tasks."""
    found: set[timedelta | None] = set()
    backends: list[Any] = list(task_backends.all())
    for backend in backends:
        options = getattr(backend, "settings", None)
        if not isinstance(options, Options) or backend.database != database:
            continue
        registry.discover(options.task_modules)
        found |= {options.retention.successful, options.retention.failed}
    for _, task in registry.declared():
        own = getattr(task, "retention", None)
        if own is not None:
            found |= {retention(own).successful, retention(own).failed}
    return found


def _samples(vendor: Vendor, kept: Retentions) -> Iterator[Sample]:
    now = vendor.now()
    seen: set[UUID] = set()
    for keep in sorted(kept, key=lambda length: length or timedelta.max):
        if keep == timedelta():
            continue
        rows = _newest(vendor, now, keep)
        reach = FIVE_MINUTES if keep is None else min(FIVE_MINUTES, _seconds(keep))
        finishes = [
            Finish(queue, outcome == OutcomeKind.SUCCEEDED, age)
            for pk, queue, outcome, finished_at in rows
            if pk not in seen and (age := _age(vendor, now, finished_at)) <= reach
        ]
        if len(rows) == SAMPLE:
            reach = max((finish.age for finish in finishes), default=reach)
        seen.update(row[0] for row in rows)
        yield Sample(finishes, reach)


def _newest(vendor: Vendor, now: datetime, keep: timedelta | None) -> list[Any]:
    rows = FinishedJob.objects.using(vendor.connection.alias)
    if keep is None:
        some = rows.filter(keep_until=None).order_by("-pk")
    else:
        first = now + keep - timedelta(seconds=FIVE_MINUTES)
        some = rows.filter(
            keep_until__gt=public(first), keep_until__lte=public(now + keep + _AHEAD)
        ).order_by("-keep_until")
    columns = ("pk", "job__queue_name", "outcome", "finished_at")
    return list(some.values_list(*columns)[:SAMPLE])


def _age(vendor: Vendor, now: datetime, moment: datetime) -> float:
    aware = vendor.from_database(moment)
    assert aware is not None
    return max(0.0, _seconds(now - aware))


def _seconds(length: timedelta) -> float:
    return length.total_seconds()
