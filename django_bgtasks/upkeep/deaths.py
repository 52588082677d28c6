"""Deaths: which processes have ended without a word, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, Value

from ..models import Process, RunningJob
from ..results import public
from ..vendors import Vendor

# No heartbeat comes from so far ahead, whatever was done to the database's clock: a
# hand has set it, and nobody else would ever take up that process's jobs.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Death:
    """What is known of a process's end.

    ``started`` holds the jobs that it had begun; None means that nobody knows,
    and all count as begun. ``overdue`` are those it was killed for, having
    outstayed their timeout; with them known, the others did nothing wrong and
    lose no attempt.
    """

    process: int
    name: str
    started: frozenset[UUID] | None = None
    overdue: frozenset[UUID] = frozenset()

    @property
    def blames_many(self) -> bool:
        """Whether any of several jobs may have caused it."""
        return not self.overdue and self.started is not None and len(self.started) > 1

    def counts(self, job: UUID) -> bool:
        """Whether the attempt of a job counts as lost."""
        if self.overdue:
            return job in self.overdue
        return self.started is None or job in self.started


def path_of(error: type[BaseException]) -> str:
    """Return the path of an exception's class, as attempts and failures keep it."""
    return f"{error.__module__}.{error.__qualname__}"


def find_dead(
    vendor: Vendor, rescue_after: timedelta, now: datetime | None = None
) -> list[Death]:
    """Return the processes that have been silent for too long.

    With them those whose heartbeat is a day ahead or more, and the owners of running
    jobs that have no row: somebody deleted it, or rescued them while a claim of theirs
    was under way. ``now`` stands in for the database's clock.
    """
    alias = vendor.connection.alias
    now = now or vendor.now()
    silent_since, ahead = public(now - rescue_after), public(now + _AHEAD)
    processes = Process.objects.using(alias)
    silent = processes.filter(
        Q(heartbeat_at__lt=silent_since) | Q(heartbeat_at__gt=ahead)
    ).values_list("pk", "name")
    ownerless = (
        RunningJob.objects.using(alias)
        .exclude(process_id__in=processes.values("pk"))
        .values_list("process_id", Value("unknown"))
    )
    return [Death(pk, name) for pk, name in silent.union(ownerless)]
