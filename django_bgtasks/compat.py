"""The one place that knows ``django.tasks`` from its backport ``django_tasks``.

Django 6.0 and later carry the Tasks framework; Django 5.2 gets it from the
``django-tasks`` package, which must then be in INSTALLED_APPS.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

try:
    import django.tasks  # noqa: F401

    CORE = True
except ImportError:
    CORE = False

if TYPE_CHECKING or CORE:
    from django.tasks import (
        DEFAULT_TASK_BACKEND_ALIAS,
        DEFAULT_TASK_QUEUE_NAME,
        Task,
        TaskContext,
        TaskResult,
        TaskResultStatus,
        task_backends,
    )
    from django.tasks.backends.base import BaseTaskBackend
    from django.tasks.base import TASK_REFRESH_ATTRS, TaskError
    from django.tasks.exceptions import (
        InvalidTask,
        InvalidTaskBackend,
        TaskException,
        TaskResultDoesNotExist,
        TaskResultMismatch,
    )
    from django.tasks.signals import (
        log_task_enqueued,
        log_task_finished,
        log_task_started,
        task_enqueued,
        task_finished,
        task_started,
    )
else:
    from django_tasks import (
        DEFAULT_TASK_BACKEND_ALIAS,
        DEFAULT_TASK_QUEUE_NAME,
        TaskContext,
        TaskResult,
        TaskResultStatus,
        task_backends,
    )
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import TASK_REFRESH_ATTRS, Task, TaskError
    from django_tasks.exceptions import (
        InvalidTaskBackendError as InvalidTaskBackend,
    )
    from django_tasks.exceptions import InvalidTaskError as InvalidTask
    from django_tasks.exceptions import (
        TaskException,
        TaskResultDoesNotExist,
        TaskResultMismatch,
    )
    from django_tasks.signals import (
        log_task_enqueued,
        log_task_finished,
        log_task_started,
        task_enqueued,
        task_finished,
        task_started,
    )

__all__ = [
    "CORE",
    "DEFAULT_TASK_BACKEND_ALIAS",
    "DEFAULT_TASK_QUEUE_NAME",
    "TASK_REFRESH_ATTRS",
    "BaseTaskBackend",
    "GenericTask",
    "GenericTaskContext",
    "GenericTaskResult",
    "InvalidTask",
    "InvalidTaskBackend",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskException",
    "TaskResult",
    "TaskResultDoesNotExist",
    "TaskResultMismatch",
    "TaskResultStatus",
    "is_task",
    "log_task_enqueued",
    "log_task_finished",
    "log_task_started",
    "register_checks_and_signals",
    "task_backends",
    "task_enqueued",
    "task_finished",
    "task_started",
]

# Type checkers see these three as generic; Django's own classes cannot be
# subscripted at run time, so there a subscript answers with the class itself.
if TYPE_CHECKING:
    GenericTask = Task
    GenericTaskContext = TaskContext
    GenericTaskResult = TaskResult
else:

    class GenericTask:
        def __class_getitem__(cls, parameters):
            return Task

    class GenericTaskContext:
        def __class_getitem__(cls, parameters):
            return TaskContext

    class GenericTaskResult:
        def __class_getitem__(cls, parameters):
            return TaskResult


def is_task(candidate: object) -> bool:
    """Tell whether an object is a declared task, of Django or of the backport.

    Third-party apps may import the backport although Django carries the
    framework; its classes are then unrelated to Django's, yet mean the same.
    """
    if isinstance(candidate, Task):
        return True
    backport: Any = sys.modules.get("django_tasks.base")
    return backport is not None and isinstance(candidate, backport.Task)


def register_checks_and_signals() -> None:
    """Import what Django's framework registers only when it is imported."""
    if CORE:
        import django.tasks.checks
        import django.tasks.signals  # noqa: F401
