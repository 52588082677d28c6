"""The queues that are Django apps: django-tasks-db, django-ox, dj-queue, django-q2."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from .base import Synchronous  # noqa: E402

_APP = settings.PEER
# The distribution; the label of its app; the model and the condition that tell what
# was done.
_PACKAGE, _LABEL, _MODEL, _DONE = {
    "django_tasks_db": (
        "django-tasks-db",
        "django_tasks_database",
        "DBTaskResult",
        {"status": "SUCCESSFUL"},
    ),
    "django_ox": ("django-ox", "django_ox", "OxTask", {"status": "SUCCESSFUL"}),
    "dj_queue": ("dj-queue", "dj_queue", "Job", {"finished_at__isnull": False}),
    "django_q": ("django-q2", "django_q", "Success", {}),
}[_APP]


class Agent(Synchronous):
    packages = (_PACKAGE, "Django", "psycopg")

    def set_up(self) -> None:
        call_command("migrate", verbosity=0)
        self._tables = ", ".join(
            f'"{model._meta.db_table}"'
            for model in apps.get_app_config(_LABEL).get_models()
            if model._meta.managed and not model._meta.proxy
        )
        self._done = apps.get_model(_LABEL, _MODEL).objects.filter(**_DONE)
        if _APP == "django_q":
            from django_q.brokers import get_broker

            from .redis_database import claim

            self._redis = claim()
            self._broker = get_broker()

    def clear(self) -> None:
        self._execute(f"TRUNCATE {self._tables} CASCADE")
        if _APP == "django_q":
            self._redis.flushdb()

    def transaction(self) -> AbstractContextManager[object]:
        return transaction.atomic()

    def calling(self, task: str) -> Callable[[float], object]:
        if _APP == "django_q":
            from django_q.tasks import async_task

            return partial(async_task, f"benchmarks.bodies.{task}", broker=self._broker)
        from . import django_tasks

        return getattr(django_tasks, task).enqueue

    def put(self, task: str, values: Sequence[float]) -> None:
        calls = [((value,), {}) for value in values]
        if _APP == "django_ox":
            from django_ox.bulk import enqueue_many

            from . import django_tasks

            enqueue_many(getattr(django_tasks, task), calls)
        elif _APP == "dj_queue":
            from . import django_tasks

            one = getattr(django_tasks, task)
            one.get_backend().enqueue_all([(one, *call) for call in calls])
        else:
            with transaction.atomic():
                super().put(task, values)

    def rest(self) -> None:
        self._execute(f"ANALYZE {self._tables}")

    def is_drained(self, count: int) -> bool:
        return self._done.count() >= count

    @staticmethod
    def _execute(statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
