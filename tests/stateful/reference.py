"""What should become of jobs, in a few plain lists and without a database."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LOST = 3


@dataclass
class RefJob:
    """A job as it should be. ``at`` is ready, deferred, running or finished."""

    queue: str
    priority: int
    at: str
    attempt: int = 1
    due: bool = False
    owner: int = 0
    cancelled: bool = False
    outcome: str | None = None
    # Of the attempts that are over and were not the end, or were an error.
    past: dict[int, str] = field(default_factory=dict)
    # Whether its end was that of an attempt; else it was cancelled before one.
    ran: bool = False

    def end(self, outcome: str, *, ran: bool = True) -> None:
        self.at, self.outcome, self.ran = "finished", outcome, ran
        if not ran:
            self.attempt -= 1

    def claim(self, owner: int) -> None:
        self.at, self.owner, self.cancelled = "running", owner, False

    def is_held_by(self, owner: int, attempt: int) -> bool:
        return (self.at, self.owner, self.attempt) == ("running", owner, attempt)

    def finish(self, kind: str, *, later: bool = False) -> None:
        """End the attempt that runs: succeeded, failed, retry or released."""
        if kind in ("retry", "released") and self.cancelled:
            if kind == "retry":
                # The error of the attempt is kept.
                self.past[self.attempt] = "cancelled"
            self.end("cancelled")
        elif kind == "released":
            self.at = "ready"
        elif kind == "retry":
            self.past[self.attempt] = "failed"
            self.attempt += 1
            self.at, self.due = ("deferred", False) if later else ("ready", False)
        else:
            if kind == "failed":
                self.past[self.attempt] = "failed"
            self.end(kind)

    def give_back(self) -> None:
        if self.cancelled:
            self.end("cancelled", ran=False)
        else:
            self.at = "ready"

    def lose(self, *, begun: bool) -> None:
        """Its process has died."""
        times = list(self.past.values()).count("lost")
        if begun:
            self.past[self.attempt] = "lost"
            times += 1
        if self.cancelled:
            self.end("cancelled")
        elif begun and times >= MAX_LOST:
            self.end("lost")
        else:
            self.at = "ready"
            self.attempt += begun

    def cancel(self) -> str | None:
        """Return where it was found: waiting, running, or None for finished."""
        if self.at in ("ready", "deferred"):
            self.end("cancelled", ran=False)
            return "waiting"
        if self.at == "running":
            self.cancelled = True
            return "running"
        return None

    def revive(self) -> bool:
        if self.at != "finished":
            return False
        if self.ran and self.outcome:
            self.past.setdefault(self.attempt, self.outcome)
        self.at, self.outcome, self.ran = "ready", None, False
        self.attempt += 1
        return True

    @property
    def status(self) -> str:
        if self.at == "finished":
            return "SUCCESSFUL" if self.outcome == "succeeded" else "FAILED"
        return "RUNNING" if self.at == "running" else "READY"
