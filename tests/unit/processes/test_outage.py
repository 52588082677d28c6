"""An outage: what is done when it begins, goes on, and ends."""

from __future__ import annotations

from django_bgtasks.processes import tidy
from django_bgtasks.processes.outage import Outage


class Database:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def leave_server(self) -> None:
        self.asked.append("leave")

    def forget_pooled(self) -> None:
        self.asked.append("forget")


def test_what_was_connected_during_an_outage_is_given_up_when_it_ends() -> None:
    """It may lead to a server that only reads."""
    database = Database()
    outage = Outage(database)
    outage.note(OSError("away"))
    tidy.refresh()
    outage.over()
    assert database.asked == ["leave", "forget"]
    assert tidy.has_expired()
    outage.over()
    assert database.asked == ["leave", "forget"]
    tidy.refresh()
