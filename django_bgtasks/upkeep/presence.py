"""Presence: the rows by which processes say that they live."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.db.models import BigIntegerField, Case, F, Value, When

from .. import __version__
from ..models import Process
from ..results import public
from ..vendors import Vendor


@dataclass(frozen=True, slots=True)
class Arrival:
    """A process that comes to life."""

    kind: str
    name: str
    pid: int
    parent_id: int | None = None
    queues: Sequence[str] = ()
    capacity: int = 0


def unique_name(wanted: str = "") -> str:
    """Return a name for this process, by default after its host.

    It stays unique when a pid comes again.
    """
    host = socket.gethostname().partition(".")[0][:32]
    return f"{wanted or host}-{os.getpid()}-{uuid4().hex[:4]}"


def arrive(vendor: Vendor, arrival: Arrival) -> int:
    """Insert the row of a process, and return its id."""
    rows = Process.objects.using(vendor.connection.alias)
    now = public(vendor.now())
    process = vendor.persist(
        lambda: rows.create(
            kind=arrival.kind,
            name=arrival.name[:64],
            host=socket.gethostname()[:255],
            pid=arrival.pid,
            parent_id=arrival.parent_id,
            queues=",".join(arrival.queues),
            capacity=arrival.capacity,
            version=__version__,
            started_at=now,
            heartbeat_at=now,
        )
    )
    return process.pk


def set_pid(vendor: Vendor, process: int, pid: int) -> None:
    """Note the pid of a process that was announced before it was started."""
    rows = Process.objects.using(vendor.connection.alias).filter(pk=process)
    vendor.persist(lambda: rows.update(pid=pid))


def beat(
    vendor: Vendor,
    processes: Collection[int],
    memory: Mapping[int, int | None] | None = None,
    now: datetime | None = None,
) -> dict[int, bool]:
    """Say that these processes live, by the database's clock, and how many bytes of
    ``memory`` they take. ``now`` is that clock's time, if it was just asked for.

    Return those that still have a row, each with whether it is asked to stop.
    One without was taken for dead, and its jobs were rescued.
    """
    rows = Process.objects.using(vendor.connection.alias).filter(pk__in=processes)
    known = {pk: size for pk, size in (memory or {}).items() if size}
    told = [When(pk=pk, then=Value(size)) for pk, size in known.items()]
    size = Case(*told, default=F("memory"), output_field=BigIntegerField())
    values = {"memory": size} if told else {}
    moment = public(now or vendor.now())
    vendor.persist(lambda: rows.update(heartbeat_at=moment, **values))
    return dict(rows.values_list("pk", "stop_requested"))


def ask_to_stop(vendor: Vendor, process: int) -> bool:
    """Ask a process to stop, at its supervisor's next heartbeat; False if it is gone.

    It claims no more, and its running jobs may end within its grace.
    """
    rows = Process.objects.using(vendor.connection.alias).filter(pk=process)
    return vendor.persist(lambda: rows.update(stop_requested=True)) > 0


def is_present(vendor: Vendor, process: int) -> bool:
    """Tell whether a process still has its row."""
    rows = Process.objects.using(vendor.connection.alias)
    return rows.filter(pk=process).exists()


def leave(vendor: Vendor, process: int) -> None:
    """Delete the row of a process that ended in order."""
    rows = Process.objects.using(vendor.connection.alias).filter(pk=process)
    vendor.persist(rows.delete)
