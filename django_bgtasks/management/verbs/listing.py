from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...log import one_line
from ...overview.details import JobDetails, Try, read_job
from ...overview.jobs import STATES, read_jobs
from ..console import Console, length, moment
from .base import (
    Verb,
    add_backend,
    add_choice,
    add_format,
    chosen,
    find_backend,
    job_id,
    refuse_unknown,
    whole,
)


class ListVerb(Verb):
    name = "list"
    help = "List jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        add_choice(parser, STATES, default="all, latest enqueued first")
        parser.add_argument(
            "--limit", type=whole(1), default=20, help="Jobs to list (default: 20)."
        )
        add_format(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend, choice = find_backend(options), chosen(options)
        found = read_jobs(backend.database, choice, options["limit"])
        if not found:
            refuse_unknown(backend, choice)
        if options["format"] == "json":
            console.json([asdict(job) for job in found])
            return
        headers = ["ID", "STATE", "TASK", "QUEUE", "PRIORITY", "ATTEMPT", "AT"]
        console.table(
            headers,
            [
                (job.id, job.state, job.task, job.queue, *numbers, job.at)
                for job in found
                for numbers in [(job.priority, job.attempt)]
            ],
        )


class ShowVerb(Verb):
    name = "show"
    help = "Show everything about a job, its attempts and their tracebacks."

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("id", help="The job's id.")
        add_format(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        backend = find_backend(options)
        job = read_job(backend.database, job_id(options["id"]))
        if job is None:
            raise CommandError(
                f"There is no job {options['id']}. It may have been pruned."
            )
        if options["format"] == "json":
            console.json(asdict(job))
            return
        console.heading(f"{job.task} {job.id}")
        facts = [(name, text) for name, text in _facts(job) if text not in ("", None)]
        width = max(len(name) for name, _ in facts)
        for name, text in facts:
            console.line(f"  {name.ljust(width)}  {one_line(str(text))}")
        for each in job.attempts:
            _print_try(console, each)


def _facts(job: JobDetails) -> list[tuple[str, Any]]:
    cancelled = " (was asked to stop)" if job.cancel_requested else ""
    done, total = job.progress or (None, None)
    return [
        ("state", job.state + cancelled),
        ("queue", job.queue),
        ("priority", job.priority),
        ("backend", job.backend),
        ("args", _json(job.args)),
        ("kwargs", _json(job.kwargs)),
        ("metadata", _json(job.metadata) if job.metadata else ""),
        ("progress", "" if done is None else f"{done:g} of {total or 'unknown'}"),
        ("enqueued", moment(job.enqueued_at)),
        ("enqueued by", job.parent),
        ("schedule", job.schedule_id),
        ("run after", moment(job.run_after)),
        ("expires", moment(job.expires_at)),
        ("due", moment(job.due)),
        ("finished", moment(job.finished_at)),
        ("kept until", moment(job.kept_until)),
        ("returned", _json(job.return_value) if job.state == "succeeded" else ""),
    ]


def _print_try(console: Console, each: Try) -> None:
    took = ""
    if each.started_at and each.finished_at:
        took = f" after {length(each.finished_at - each.started_at) or '0 s'}"
    console.line()
    console.heading(f"Attempt {each.attempt}: {each.outcome or 'running'}{took}")
    console.line(f"  worker   {one_line(each.worker) or 'unknown'}")
    if each.started_at:
        console.line(f"  started  {moment(each.started_at)}")
    if each.traceback:
        console.line()
        console.line(each.traceback.rstrip())
    if each.log:
        console.line()
        if each.log_left_out:
            console.line(f"({each.log_left_out} older records were left out.)")
        console.line(each.log)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
