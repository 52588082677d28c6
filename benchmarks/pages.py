"""Ask the admin for its pages, in a process of its own.

``python -m benchmarks.pages VENDOR FINISHED WAITING`` is started by
``python -m benchmarks admin``.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from statistics import median
from typing import Any
from urllib.parse import urlencode

import django

_BARS = {"postgresql": (150, 20)}
_BAR = (300, None)
_ROUNDS = 15


def main(vendor: str, finished: int, waiting: int) -> int:
    from django.core.management import call_command
    from django.db import connection

    from .databases import describe
    from .seed import seed

    call_command("migrate", verbosity=0)
    facts = ", ".join(f"{key} {value}" for key, value in describe(connection).items())
    print(f"{vendor}: {finished:,} finished, {waiting:,} waiting; {facts}", flush=True)
    seed(finished, waiting, lambda line: print(line, file=sys.stderr, flush=True))
    most, statements = _BARS.get(vendor, _BAR)
    missed = 0
    print(
        f"  {'page':28} {'first':>8} {'least':>8} {'median':>8} {'CPU':>8} "
        f"{'db CPU':>8} {'statements':>11}"
    )
    for name, address in _pages():
        first, times, cpu, others, number = _ask(address)
        # The others were disturbed by what else runs on the machine.
        slow = min(times) >= most
        many = statements is not None and number >= statements
        missed += slow or many
        print(
            f"  {name:28} {first:5.0f} ms {min(times):5.0f} ms {median(times):5.0f} ms "
            f"{cpu:5.0f} ms {others:5.0f} ms {number:11}"
            f"{'  too slow' * slow}{'  too many' * many}",
            flush=True,
        )
    bars = f"{most} ms" + (f" and {statements} statements" if statements else "")
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(
        f"  {'all' if not missed else f'{missed} not'} under {bars} (least); load of "
        f"the machine {busy} on {os.cpu_count()} cores",
        flush=True,
    )
    return int(bool(missed))


def _pages() -> Iterator[tuple[str, str]]:
    """Name the pages and their addresses; those that the site has."""
    from django.urls import NoReverseMatch, reverse

    from django_bgtasks.models import Failure, FinishedJob, Job, ReadyJob

    some = Job.objects.order_by("-pk")[100]
    failed: Any = Failure.objects.order_by("-pk").first()
    lately = some.enqueued_at - timedelta(days=1)
    wanted: list[tuple[str, str, list[Any], dict[str, Any]]] = [
        ("overview", "queue_overview", [], {}),
        ("overview, a week", "queue_overview", [], {"period": "week"}),
        ("queues", "queue_changelist", [], {}),
        ("purge: the question", "queue_purge", [], {"queue": "mail"}),
        ("workers", "process_changelist", [], {}),
        ("schedules", "schedule_changelist", [], {}),
        ("jobs", "job_changelist", [], {}),
    ]
    filters: dict[str, dict[str, Any]] = {
        "ready": {"state": "ready"},
        "running": {"state": "running"},
        "deferred": {"state": "deferred"},
        "finished": {"state": "finished"},
        "failed": {"state": "failed"},
        "failures": {"state": "failures"},
        "of a queue": {"queue": "mail"},
        "ready of a queue": {"state": "ready", "queue": "mail"},
        "of a task": {"task": "shop.tasks.task_3"},
        "failed of a task": {"state": "failed", "task": "shop.tasks.task_0"},
        "of an exception": {"exception": "builtins.ValueError"},
        "of a worker": {"worker": "shop-1-210-a3f1.2"},
        "since a day": {"since": f"{lately:%Y-%m-%dT00:00}"},
        "searched for": {"q": "user77@example.com"},
        "by id": {"q": str(some.pk)},
        "of a task that is none": {"task": "shop.tasks.nosuch"},
    }
    wanted += [
        (f"jobs: {name}", "job_changelist", [], query)
        for name, query in filters.items()
    ]
    wanted += [
        (f"a job that {word}", "job_change", [pk], {})
        for word, pk in (
            ("waits", ReadyJob.objects.values_list("pk", flat=True)[:1].get()),
            ("succeeded", FinishedJob.objects.order_by("-pk")[:1].get().pk),
            ("failed", failed.pk if failed else some.pk),
        )
    ]
    wanted.append(("failures by group", "failure_changelist", [], {}))
    for name, page, arguments, query in wanted:
        try:
            address = reverse(f"admin:django_bgtasks_{page}", args=arguments)
        except NoReverseMatch:
            continue
        yield name, f"{address}?{urlencode(query)}" if query else address
    yield "the app's index", reverse("admin:app_list", args=["django_bgtasks"])


def _ask(address: str) -> tuple[float, list[float], float, float, int]:
    """Return milliseconds of the first answer and of the others, those of this
    process's CPU and of the database's, and the number of statements."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    user, _ = User.objects.get_or_create(
        username="boss", is_staff=True, is_superuser=True
    )
    client = Client(raise_request_exception=False, SERVER_NAME="localhost")
    client.force_login(user)
    times, cpu = [], []
    before = _database_seconds()
    for _ in range(_ROUNDS + 1):
        clock, used = time.perf_counter(), time.process_time()
        response = client.get(address)
        times.append((time.perf_counter() - clock) * 1000)
        cpu.append((time.process_time() - used) * 1000)
        if response.status_code != 200:
            print(f"  {address} answers {response.status_code}", flush=True)
            break
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    others = (_database_seconds() - before) * 1000 / len(times)
    return times[0], times[1:] or times, min(cpu), others, len(queries)


def _database_seconds() -> float:
    """CPU time of what serves this connection; 0 where that is not told."""
    import psutil
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        # The server runs elsewhere.
        return 0.0
    return float(times.user + times.system)


if __name__ == "__main__":
    django.setup()
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
