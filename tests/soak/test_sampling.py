"""A process that leaks, measured as a soak measures, does not get past the judge."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from . import sampling
from .bars import BARS
from .judge import judge

pytestmark = pytest.mark.once

# It does what each line asks for, and answers when it is done.
_SOURCE = """
import os, sys, threading
kept = []
ballast = [bytes(100) for _ in range(100_000)]
for line in sys.stdin:
    if "memory" in line:
        kept.append(os.urandom(300_000))
    if "descriptor" in line:
        kept.append(open(os.devnull))
    if "thread" in line:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    spent = [bytes(100) for _ in range(20_000)]
    del spent
    print("done", flush=True)
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", _SOURCE], stdin=pipe, stdout=pipe, text=True
    ) as child:
        yield child
        child.kill()


def broken(process: subprocess.Popen[str], leak: str) -> set[str]:
    """Let it leak between samples; return the kinds of figures that did not hold."""
    assert process.stdin is not None
    assert process.stdout is not None
    samples = []
    for minute in range(40):
        process.stdin.write(f"{leak}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"
        found = sampling.of_all({"worker": psutil.Process(process.pid)})
        samples.append({"at": minute * 60.0, "processes": found})
    findings = judge(sampling.series_of(samples), BARS, since=600)
    assert {each.name for each in findings} >= {"memory: worker", "threads: worker"}
    return {each.name.partition(":")[0] for each in findings if not each.held}


def test_process_that_keeps_nothing_holds(process: subprocess.Popen[str]) -> None:
    assert broken(process, "nothing") == set()


@pytest.mark.parametrize(
    ("leak", "kinds"),
    [
        ("memory", {"memory"}),
        ("descriptor", {"descriptors"}),
    ],
)
def test_leak_is_found_out(
    process: subprocess.Popen[str], leak: str, kinds: set[str]
) -> None:
    assert broken(process, leak) >= kinds


def test_leak_of_threads_is_found_out(process: subprocess.Popen[str]) -> None:
    assert "threads" in broken(process, "thread")


def test_process_that_is_gone_is_left_out() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    gone = psutil.Process(child.pid)
    child.wait()
    assert sampling.of_all({"worker": gone}) == {}
