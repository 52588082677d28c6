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

    kind.put = put  # type: ignore[method-assign]


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


_WAYS = {
    "no fence": _remove_fence,
    "rescue forgets": _forget_rescued,
    "enqueue apart": _enqueue_apart,
    "run again": _run_again,
}
