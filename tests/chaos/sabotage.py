"""Products that are broken on purpose: the ledger must find each of them out."""

from __future__ import annotations

import random
from typing import Any


def commit(name: str) -> None:
    """Break this process's product in the way of this name."""
    _WAYS[name]()


def _remove_fence() -> None:
    """Let an atomic task commit although its job is somebody else's by now."""
    from django_bgtasks.lifecycle import run

    def finish(execution: Any, vendor: Any, owner: Any, outcome: Any) -> None:
        swap = run.finish.swap(vendor, owner.id, owner.name, [outcome])
        vendor.exchange(swap, None)

    run._finish_with_body = finish


def _forget_rescued() -> None:
    """Delete the jobs of a dead process, where they should be ready again."""
    from django_bgtasks.upkeep import rescue

    original = rescue._sort

    def sort(jobs: Any, batch: Any, *args: Any) -> None:
        original(jobs, batch, *args)
        del batch.ready[:]

    rescue._sort = sort


def _enqueue_apart() -> None:
    """Write jobs in a session of their own, not in the caller's transaction."""
    from threading import Thread

    from django.db import connection, connections

    from django_bgtasks.vendors import vendor_of
    from django_bgtasks.vendors.stencil import Stencil

    kind = type(vendor_of(connection))
    original = kind.put

    def put(self: Any, inserts: Any, *then: Any) -> Any:
        if not self.connection.in_atomic_block:
            return original(self, inserts, *then)
        found: list[Any] = []

        def work() -> None:
            found.append(
                original(vendor_of(connections[self.connection.alias]), inserts)
            )
            connections.close_all()

        thread = Thread(target=work)
        thread.start()
        thread.join()
        return found[0]

    def stencil(self: Any, inserts: Any) -> Stencil:
        return Stencil(self.put, inserts)

    kind.put = put  # type: ignore[method-assign]
    # Single enqueues have a way of their own.
    kind.stencil = stencil  # type: ignore[method-assign]


def _run_again() -> None:
    """Give some jobs back although they have succeeded."""
    from django_bgtasks.lifecycle import finish
    from django_bgtasks.lifecycle.outcome import RELEASED

    original = finish.swap

    def swap(vendor: Any, owner: int, worker: str, outcomes: Any) -> Any:
        for outcome in outcomes:
            if outcome.kind == "succeeded" and random.random() < 0.1:
                outcome.kind = RELEASED
        return original(vendor, owner, worker, outcomes)

    finish.swap = swap


def _after_finish(deed: Any) -> None:
    """Do a deed each time that a worker has written outcomes."""
    from django_bgtasks.lifecycle import finish

    original = finish.swap

    def swap(vendor: Any, owner: int, worker: str, outcomes: Any) -> Any:
        deed(vendor, outcomes)
        return original(vendor, owner, worker, outcomes)

    finish.swap = swap


def _keep_outcomes() -> None:
    """Leak memory: keep a little of each outcome for ever."""
    kept: list[bytes] = []
    _after_finish(lambda vendor, outcomes: kept.extend(bytes(10_000) for _ in outcomes))


def _keep_connections() -> None:
    """Leak connections, one now and then."""
    kept: list[Any] = []

    def keep(vendor: Any, outcomes: Any) -> None:
        if random.random() < 0.02:
            kept.append(vendor.connection.copy())
            kept[-1].ensure_connection()

    _after_finish(keep)


def _never_prune() -> None:
    from django_bgtasks.upkeep import prune

    prune.prune = lambda *args, **more: 0


def _leave_belongings() -> None:
    """Prune jobs, and leave what belongs to them."""
    from django_bgtasks.models import Job, table_of
    from django_bgtasks.upkeep import prune

    def forget(vendor: Any, ids: Any) -> None:
        vendor.delete(table_of(Job, vendor), [each.hex for each in ids])

    prune.forget = forget


_WAYS = {
    "keep outcomes": _keep_outcomes,
    "keep connections": _keep_connections,
    "never prune": _never_prune,
    "leave belongings": _leave_belongings,
    "no fence": _remove_fence,
    "rescue forgets": _forget_rescued,
    "enqueue apart": _enqueue_apart,
    "run again": _run_again,
}
