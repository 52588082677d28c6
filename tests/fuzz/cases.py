"""How many cases are tried, and how one that fails is tried again.

A case is a number, and its junk is made from the name of the test and that number
alone: the same on every machine, in any order. ``BGTASKS_FUZZ`` says how many cases
all tests of this directory are to try in all, instead of the few of an ordinary run;
``BGTASKS_FUZZ_FROM`` is the number of the first.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .junk import Junk

# Seconds of its own CPU time that a case may take, so that a busy machine is no hang.
MOST_SECONDS = 20
# Each test has a share of so many cases. An ordinary run tries a quarter of them.
_ALL, _ORDINARY = 2_000, 500


_failures: dict[Any, Exception] = {}


class Hang(Exception):
    """A case took longer than any case should."""


def is_long() -> bool:
    return bool(os.environ.get("BGTASKS_FUZZ"))


def cases(name: str, few: int) -> Iterator[Junk]:
    """Yield the junk of each case; ``few`` is this test's share of them.

    A long run goes on after a failure, and raises one of each kind in the end.
    """
    wanted = int(os.environ.get("BGTASKS_FUZZ") or _ORDINARY)
    first = int(os.environ.get("BGTASKS_FUZZ_FROM") or 0)
    _failures.clear()
    for number in range(first, first + max(1, few * wanted // _ALL)):
        yield Junk(name, number)
    if _failures:
        raise ExceptionGroup(f"Cases of {name!r}", list(_failures.values()))


@contextmanager
def tried(junk: Junk) -> Iterator[None]:
    """Say which case it was if it fails, and end one that hangs."""

    def end(*_: Any) -> None:
        raise Hang(f"{MOST_SECONDS} seconds of CPU time are over.")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    except Exception as error:
        error.add_note(f"Case {junk}: {junk.said}"[:2000])
        if not is_long():
            raise
        _failures.setdefault((type(error), _place_of(error)), error)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _place_of(error: Exception) -> Any:
    """Return the innermost line of the package, or else of anything."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "/django_bgtasks/" in each.filename]
    return [(each.filename, each.lineno) for each in (ours or frames)][-1]


# The long run takes as long as it takes; cases that hang end by themselves.
unhurried = pytest.mark.timeout(0 if is_long() else 300)
