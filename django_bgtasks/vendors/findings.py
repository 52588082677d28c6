from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What is wrong with a connection: the code of a system check, and its words."""

    code: str
    message: str
    hint: str


# The codes in question; ``checks`` holds the list of all.
WRONG_DRIVER = "E007"
WRONG_ISOLATION = "E008"
OLD_SERVER = "E009"
DEFERRED_WRITERS = "W003"
BLOCKED_READERS = "W004"
