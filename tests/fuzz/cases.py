"""How many cases are tried, and how one that fails is tried again.

A case is a number, and its junk is made from the name of the test and that number
alone: the same on every machine, in any order. ``BGTASKS_FUZZ`` says how many cases
all tests of this directory are to try in all, instead of the few of an ordinary run;
``BGTASKS_FUZZ_FROM`` is the number of the first.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from .junk import Junk

# Seconds of its own CPU time that a case may take, so that a busy machine is no hang.
MOST_SECONDS = 20
# Seconds by the clock on the wall, for a case that waits for a lock or a socket: so
# many that no machine is as busy as that, and fewer than pytest grants the test.
MOST_SECONDS_OF_WAITING = 150
# Seconds after those in which a case must heed it. A driver that waits in C does not.
MOST_SECONDS_TO_END = 60
# Each test has a share of so many cases. An ordinary run tries a quarter of them.
_ALL, _ORDINARY = 2_000, 500


_failures: dict[Any, Exception] = {}
# The standard error of pytest, not the one that it captures.
outside: IO[str] | None = sys.__stderr__


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
    over = threading.Event()

    def end(*_: Any) -> None:
        if over.is_set():
            return
        if signal.getitimer(signal.ITIMER_VIRTUAL)[0]:
            waited = f"{MOST_SECONDS_OF_WAITING} seconds are over; it waits"
        else:
            waited = f"{MOST_SECONDS} seconds of CPU time are over"
        raise Hang(f"{waited}.")

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    watch = threading.Thread(target=_watch, args=(junk, over), daemon=True)
    watch.start()
    try:
        yield
    except Exception as error:
        error.add_note(_told(junk))
        if not is_long():
            raise
        _failures.setdefault((type(error), _place_of(error)), error)
    finally:
        over.set()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        watch.join()
        signal.signal(signal.SIGVTALRM, before)


def _watch(junk: Junk, over: threading.Event) -> None:
    """Tell the main thread when a case has waited for too long; end all if need be."""
    if over.wait(MOST_SECONDS_OF_WAITING):
        return
    signal.pthread_kill(threading.main_thread().ident, signal.SIGVTALRM)
    if not over.wait(MOST_SECONDS_TO_END):
        assert outside is not None
        print(f"It hangs beyond interruption. {_told(junk)}", file=outside, flush=True)
        faulthandler.dump_traceback(outside)
        os._exit(1)


def _told(junk: Junk) -> str:
    return f"Case {junk}: {junk.said}"[:2000]


def _place_of(error: Exception) -> Any:
    """Return the innermost line of the package, or else of anything."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if "/django_bgtasks/" in each.filename]
    return [(each.filename, each.lineno) for each in (ours or frames)][-1]


# The long run takes as long as it takes; cases that hang end by themselves.
unhurried = pytest.mark.timeout(0 if is_long() else 300)
