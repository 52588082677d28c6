"""The door of ``django.tasks``: the backend that settings.TASKS names.

Django builds it when the first tasks module is imported, which may be before the
apps are ready. So nothing here imports models until it is asked to do something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import connections, router

from .audience import is_enqueue_heard
from .bgtask import BgTask
from .compat import (
    BaseTaskBackend,
    InvalidTaskBackend,
    TaskResultDoesNotExist,
    task_enqueued,
)
from .conf import Options, parse_options

if TYPE_CHECKING:
    from .results import BgTaskResult

# Tasks that are known to be valid; more than projects declare.
_MOST_VALID = 1_000

Call = tuple[Sequence[Any], Mapping[str, Any]]


class DatabaseBackend(BaseTaskBackend):
    """Keeps jobs in the project's database. See ``conf`` for its OPTIONS."""

    task_class = BgTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.settings: Options = parse_options(alias, self.options)
        self._valid: dict[int, Any] = {}

    @property
    def database(self) -> str:
        """Alias of the database that holds the jobs."""
        if self.settings.database is not None:
            return self.settings.database
        alias: str = router.db_for_write(_job_model())
        return alias

    @property
    def connection(self) -> Any:
        """This thread's connection to that database."""
        try:
            return connections[self.database]
        except connections.exception_class as error:
            raise InvalidTaskBackend(
                f"TASKS[{self.alias!r}]['OPTIONS']['DATABASE']: {error}"
            ) from error

    def enqueue(
        self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> BgTaskResult[Any, Any]:
        """Insert a job in the caller's transaction, and return its result.

        Raise InvalidTask for a task that cannot be, InvalidArguments (a
        TypeError) for arguments that cannot; nothing was written then.
        """
        return self._enqueue(task, [(args, kwargs)], many=False)[0]

    def enqueue_many(
        self, task: Any, calls: Iterable[Call]
    ) -> list[BgTaskResult[Any, Any]]:
        """Insert a job for each (args, kwargs), all or none, in few statements."""
        return self._enqueue(task, calls, many=True)

    async def aenqueue_many(
        self, task: Any, calls: Iterable[Call]
    ) -> list[BgTaskResult[Any, Any]]:
        """See enqueue_many()."""
        return await sync_to_async(self.enqueue_many, thread_sensitive=True)(
            task, calls
        )

    def get_result(self, result_id: str) -> BgTaskResult[Any, Any]:
        """Read a result from the database. Raise TaskResultDoesNotExist."""
        from .lifecycle.result import get_result

        return get_result(self.database, result_id, self.settings.task_modules)

    def cancel(self, result_id: str) -> bool:
        """Cancel a job; see ``BgTaskResult.cancel``."""
        from .lifecycle import operate
        from .lifecycle.enqueue import wake_after_commit
        from .vendors import vendor_of

        found = operate.cancel(
            self.connection, _job_id(result_id), self.settings.retention
        )
        if found == "running":
            wake_after_commit(vendor_of(self.connection), "cancel")
        return found is not None

    def retry(self, result_id: str) -> None:
        """Make a finished job ready again; see ``BgTaskResult.retry``."""
        from .lifecycle import operate
        from .lifecycle.enqueue import wake_after_commit
        from .vendors import vendor_of

        if not operate.retry(self.connection, [_job_id(result_id)]):
            result = self.get_result(result_id)
            raise ValueError(f"Job {result.id} is {result.status}, not finished.")
        wake_after_commit(vendor_of(self.connection))

    def refuse_wait_in_transaction(self) -> None:
        """Raise RuntimeError where a wait for a worker could not end."""
        if self.connection.in_atomic_block:
            raise RuntimeError(
                "wait() inside a transaction cannot end: workers see the job after "
                "the commit only. Leave the atomic block first."
            )

    def check(self, **kwargs: Any) -> list[Any]:
        """Run the system checks of this backend."""
        from .checks import check_backend

        return [*super().check(**kwargs), *check_backend(self)]

    def validate_task(self, task: Any) -> None:
        """Raise InvalidTask for a task that cannot be enqueued here."""
        # A copy for a moment is enqueued once; most others again and again.
        if id(task) in self._valid:
            return
        super().validate_task(task)
        if task.run_after is None and len(self._valid) < _MOST_VALID:
            # The task itself, so that no other one gets its id.
            self._valid[id(task)] = task

    def _enqueue(
        self, task: Any, calls: Iterable[Call], *, many: bool
    ) -> list[BgTaskResult[Any, Any]]:
        enqueue_one, enqueue, vendor_of = _steps()
        self.validate_task(task)
        vendor, limit = vendor_of(self.connection), self.settings.max_payload
        results: list[BgTaskResult[Any, Any]]
        if many:
            results = enqueue(vendor, self.alias, task, calls, limit)
        else:
            [call] = calls
            results = [enqueue_one(vendor, self.alias, task, call, limit)]
        if is_enqueue_heard(task_enqueued):
            for result in results:
                task_enqueued.send(type(self), task_result=result)
        return results


@cache
def _steps() -> tuple[Any, Any, Any]:
    # Made at the import of any module of tasks, before there are models.
    from .lifecycle.enqueue import enqueue, enqueue_one
    from .vendors import vendor_of

    return enqueue_one, enqueue, vendor_of


@cache
def _job_model() -> Any:
    from .models import Job

    return Job


def _job_id(result_id: Any) -> UUID:
    try:
        return result_id if isinstance(result_id, UUID) else UUID(result_id)
    except (ValueError, AttributeError, TypeError):
        raise TaskResultDoesNotExist(result_id) from None
