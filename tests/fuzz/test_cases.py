"""A case that hangs fails with its name, whatever it hangs on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count

import pytest

from . import cases
from .cases import Hang, tried
from .junk import Junk

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BGTASKS_FUZZ", raising=False)
    monkeypatch.setattr(cases, "MOST_SECONDS", 0.2)


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    with lock:
        lock.acquire()


def wait_for_a_socket() -> None:
    here, there = socket.socketpair()
    with here, there:
        here.recv(1)


def count_for_ever() -> None:
    for _ in count():
        pass


@pytest.mark.parametrize(
    ("hang", "reason"),
    [
        (wait_for_a_lock, "it waits"),
        (wait_for_a_socket, "it waits"),
        (count_for_ever, "CPU time"),
    ],
)
def test_a_case_that_hangs_fails_with_its_name(
    hang: Callable[[], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hang is not count_for_ever:
        monkeypatch.setattr(cases, "MOST_SECONDS_OF_WAITING", 0.2)
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(Hang, match=reason) as caught, tried(Junk("locks", 7)):
        hang()
    assert any("Case locks #7" in note for note in caught.value.__notes__)
    assert signal.getsignal(signal.SIGVTALRM) == before


DEAF = """
import signal
from tests.fuzz import cases
from tests.fuzz.junk import Junk

cases.MOST_SECONDS_OF_WAITING = cases.MOST_SECONDS_TO_END = 0.2
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGVTALRM])
with cases.tried(Junk("sockets", 8)):
    signal.pause()
"""


def test_one_that_cannot_be_interrupted_ends_the_run_with_its_name() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DEAF],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "Case sockets #8" in ended.stderr
