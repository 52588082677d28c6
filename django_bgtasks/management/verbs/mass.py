"""Retry and cancel: of jobs that are named, or of all that are like that."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from ...lifecycle import operate
from ...lifecycle.enqueue import CANCEL, wake_after_commit
from ...overview.jobs import (
    FINISHED,
    OUTCOMES,
    UNFINISHED,
    Choice,
    batches,
    count,
    state_of,
)
from ...vendors import vendor_of
from ..console import Console, jobs
from .base import (
    Backend,
    Verb,
    add_backend,
    add_choice,
    add_no_input,
    chosen,
    find_backend,
    job_id,
    refuse_unknown,
)


class MassVerb(Verb):
    """What is done to jobs, one or many."""

    doing: str
    done: str
    # The states in which it can be done, and those that are meant without --state.
    states: tuple[str, ...]
    default: tuple[str, ...]

    def act(self, backend: Backend, ids: list[UUID]) -> int:
        """Do it, and return to how many jobs it was done."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        add_backend(parser)
        parser.add_argument("ids", nargs="*", metavar="id", help="The jobs' ids.")
        add_choice(parser, self.states, default=", ".join(self.default))
        parser.add_argument(
            "--all",
            action="store_true",
            help=f"All jobs that are {' or '.join(self.default)}.",
        )
        add_no_input(parser)

    def run(self, console: Console, options: dict[str, Any]) -> None:
        filters = [options["states"], options["queue"], options["task"]]
        chooses = options["all"] or any(each is not None for each in filters)
        if chooses == bool(options["ids"]):
            both = " not both" if chooses else " one of them"
            raise CommandError(
                f"Name jobs by their ids, or choose them by --state, --queue, --task "
                f"or --all:{both}."
            )
        backend = find_backend(options)
        if chooses:
            choice = chosen(options, self.default)
            self._run_choice(console, backend, choice, options["interactive"])
        else:
            self._run_ids(console, backend, [job_id(each) for each in options["ids"]])

    def _run_ids(self, console: Console, backend: Backend, ids: list[UUID]) -> None:
        found = state_of(backend.database, ids)
        problems = [f"There is no job {each}." for each in ids if each not in found]
        for each, state in found.items():
            if state not in self.states:
                problems.append(f"Job {each} is {state}, {self.why_not(state)}.")
        if problems:
            raise CommandError("\n".join([*problems, "Nothing was done."]))
        self._tell(console, self.act(backend, ids))

    def _run_choice(
        self, console: Console, backend: Backend, choice: Choice, interactive: bool
    ) -> None:
        number = count(backend.database, choice)
        if not number.number:
            refuse_unknown(backend, choice)
            console.line("There is no such job.")
            return
        if interactive:
            console.confirm(f"{self.doing} {jobs(number)} ({_words(choice)})?")
        done = 0
        with console.progress(self.doing, number) as advance:
            for ids in batches(backend.database, choice):
                done += self.act(backend, ids)
                advance(len(ids))
        self._tell(console, done)

    def _tell(self, console: Console, number: int) -> None:
        console.line(f"{self.done} {jobs(number)}.")

    def why_not(self, state: str) -> str:
        """Say why it cannot be done to a job in this state."""
        raise NotImplementedError


class RetryVerb(MassVerb):
    name = "retry"
    help = "Make finished jobs ready for one more attempt, under the same ids."
    doing, done = "Retry", "Retried"
    states = (FINISHED, *OUTCOMES)
    # An expired job would expire again, and a cancelled one was not to run.
    default = ("failed", "lost")

    def act(self, backend: Backend, ids: list[UUID]) -> int:
        retried = operate.retry(backend.connection, ids)
        if retried:
            wake_after_commit(vendor_of(backend.connection))
        return len(retried)

    def why_not(self, state: str) -> str:
        return "not finished"


class CancelVerb(MassVerb):
    name = "cancel"
    help = (
        "Cancel jobs that have not finished: those that wait end at once, those that "
        "run are told to stop."
    )
    doing, done = "Cancel", "Cancelled"
    states = default = UNFINISHED

    def act(self, backend: Backend, ids: list[UUID]) -> int:
        retention = backend.settings.retention
        cancelled = operate.cancel_many(backend.connection, ids, retention)
        if cancelled.running:
            wake_after_commit(vendor_of(backend.connection), CANCEL)
        return len(cancelled.waiting) + len(cancelled.running)

    def why_not(self, state: str) -> str:
        return "so it has finished already"


def _words(choice: Choice) -> str:
    words = [" or ".join(choice.states)]
    if choice.queue is not None:
        words.append(f"queue {choice.queue}")
    if choice.task is not None:
        words.append(f"task {choice.task}")
    return ", ".join(words)
