from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ..backend import Call, DatabaseBackend
from ..results import BgTaskResult


class InlineBackend(DatabaseBackend):
    """Runs each job at once, in the call that enqueues it.

    For tests and for trying things out: in place of DatabaseBackend, with the same
    OPTIONS. A job goes the whole way of its tables, in the caller's transaction
    if there is one, and its rows stay. It runs once: a retry, a job with
    ``run_after`` and one of a paused queue wait for ``run_pending()`` or a worker.
    Timeouts do not apply.
    """

    def _enqueue(
        self, task: Any, calls: Iterable[Call], *, many: bool
    ) -> list[BgTaskResult[Any, Any]]:
        from ..vendors import vendor_of
        from .pending import inline_owner

        results = super()._enqueue(task, calls, many=many)
        vendor = vendor_of(self.connection)
        with inline_owner(vendor) as owner:
            return [self._run(vendor, owner, result) for result in results]

    def _run(
        self, vendor: Any, owner: Any, result: BgTaskResult[Any, Any]
    ) -> BgTaskResult[Any, Any]:
        from ..lifecycle import claim, run
        from .pending import result_of

        job = claim.claim_one(vendor, owner.id, UUID(result.id))
        if job is None:
            return result
        return result_of(self, run.run_inline(vendor, owner, job))
