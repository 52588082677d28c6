from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...overview.health import Limits, Status, crossed, read_status
from ...overview.queues import QueueState
from ...overview.rates import Throughput
from ...overview.workers import ProcessState
from ..console import Console, length
from .base import Verb, add_backend, add_format, find_backend, span, whole


class StatusVerb(Verb):
    name = "status"
    help = (
        "Show queues and workers. With limits it is a health probe: it exits with 1 "
        "if one is crossed, and says which."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        add_format(parser)
        add = parser.add_argument
        add(
            "--max-depth",
            type=whole(0),
            metavar="N",
            help="Ready jobs that a queue may hold.",
        )
        add(
            "--max-age",
            type=span,
            metavar="LENGTH",
            help="How long a job may wait (such as 30s, 5m).",
        )
        add(
            "--max-failed",
            type=whole(0),
            metavar="N",
            help="Jobs of a queue that may have failed in the last five minutes.",
        )
        add(
            "--min-workers",
            type=whole(0),
            metavar="N",
            help="Worker processes that must be alive.",
        )

    def run(self, console: Console, options: dict[str, Any]) -> None:
        limits = Limits(**{name: options[name] for name in Limits.__dataclass_fields__})
        status = read_status(find_backend(options), limits)
        problems = crossed(status, limits)
        if options["format"] == "json":
            console.json(_as_data(status, problems))
        else:
            _print_queues(console, status)
            _print_workers(console, status)
        if problems:
            raise CommandError("\n".join(problems), returncode=1)


def _print_queues(console: Console, status: Status) -> None:
    headers = ["QUEUE", "READY", "OLDEST", "RUNNING", "DEFERRED"]
    headers += ["DONE/S (1 MIN)", "DONE/S (5 MIN)", "FAILED (5 MIN)"]
    rows = []
    for queue in status.queues:
        rate = status.rate(queue.name)
        name = f"{queue.name} (paused)" if queue.paused_at else queue.name
        numbers = (queue.ready, queue.waiting_for, queue.running, queue.deferred)
        rows.append((name, *numbers, rate.last_minute, rate.last_five, rate.failed))
    console.table(headers, rows)


def _print_workers(console: Console, status: Status) -> None:
    console.line()
    if not status.processes:
        console.line("No worker is running: start one with manage.py runworker.")
        return
    rows = []
    for process in status.processes:
        state = "alive" if process.alive else "dead"
        rows.append(
            (
                process.name,
                process.kind,
                f"{process.host}:{process.pid}",
                "stopping" if process.alive and process.stopping else state,
                f"{length(process.silent_for)} ago",
                f"{process.running}/{process.capacity}" if process.is_worker else "",
                ", ".join(process.queues) or "all",
            )
        )
    console.table(
        ["PROCESS", "KIND", "HOST:PID", "STATE", "HEARTBEAT", "JOBS", "QUEUES"], rows
    )


def _as_data(status: Status, problems: list[str]) -> dict[str, Any]:
    return {
        "healthy": not problems,
        "problems": problems,
        "database": status.database,
        "now": status.now,
        "queues": [
            {**_queue_data(queue), **_rate_data(status.rate(queue.name))}
            for queue in status.queues
        ],
        "workers_alive": status.workers,
        "processes": [_process_data(process) for process in status.processes],
    }


def _queue_data(queue: QueueState) -> dict[str, Any]:
    return {
        "name": queue.name,
        "ready": queue.ready.number,
        "ready_is_exact": queue.ready.exact,
        "oldest_seconds": queue.waiting_for,
        "running": queue.running,
        "deferred": queue.deferred.number,
        "deferred_is_exact": queue.deferred.exact,
        "paused_at": queue.paused_at,
    }


def _rate_data(rate: Throughput) -> dict[str, Any]:
    return {
        "done_per_second_1m": round(rate.last_minute, 3),
        "done_per_second_5m": round(rate.last_five, 3),
        "failed_5m": rate.failed,
        "rates_are_exact": rate.exact,
    }


def _process_data(process: ProcessState) -> dict[str, Any]:
    return {
        "name": process.name,
        "kind": process.kind,
        "host": process.host,
        "pid": process.pid,
        "alive": process.alive,
        "stopping": process.stopping,
        "heartbeat_seconds": process.silent_for,
        "started_at": process.started_at,
        "running": process.running,
        "capacity": process.capacity,
        "queues": list(process.queues),
        "version": process.version,
    }
