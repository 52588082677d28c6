"""Deaths: which processes have ended without a word, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, Q, Value, When

from ..models import Process, RunningJob
from ..results import public
from ..vendors import Vendor

# A hand has set a heartbeat that lies so far ahead, or the database's clock was wrong.
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

    With them the owners of running jobs that have no row: somebody deleted it, or
    rescued them while a claim of theirs was under way. A heartbeat that lies a day
    ahead or more is set to now, so that its process has as long as any other to say
    that it lives, and is dead if it does not. ``now`` stands in for the database's
    clock.
    """
    alias = vendor.connection.alias
    now = now or vendor.now()
    silent_since, ahead = public(now - rescue_after), public(now + _AHEAD)
    processes = Process.objects.using(alias)
    is_ahead = Q(heartbeat_at__gt=ahead)
    silent = processes.filter(Q(heartbeat_at__lt=silent_since) | is_ahead).values_list(
        "pk", "name", Case(When(is_ahead, then=1), default=0)
    )
    ownerless = (
        RunningJob.objects.using(alias)
        .exclude(process_id__in=processes.values("pk"))
        .values_list("process_id", Value("unknown"), Value(0))
    )
    found = list(silent.union(ownerless))
    if early := [pk for pk, _, is_early in found if is_early]:
        processes.filter(is_ahead, pk__in=early).update(heartbeat_at=public(now))
    return [Death(pk, name) for pk, name, is_early in found if not is_early]
