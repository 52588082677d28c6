from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from benchmarks.tally import tallied

_BODY = """
import threading
from benchmarks.bodies import nap, noop
threads = [threading.Thread(target=lambda: [noop(1) for _ in range(100)]) for _ in "ab"]
for thread in threads: thread.start()
for thread in threads: thread.join()
nap(0)
"""


def test_bodies_of_all_threads_and_processes_are_counted():
    with tallied() as tally:
        before = time.monotonic()
        workers = [subprocess.Popen([sys.executable, "-c", _BODY]) for _ in range(2)]
        for worker in workers:
            assert worker.wait() == 0
        began, ended = tally.read()
    assert ended == 2 * (2 * 100 + 1)
    assert before < began < time.monotonic()


def test_a_body_that_began_has_not_ended():
    program = "from benchmarks import tally; tally.begin()"
    with tallied() as tally:
        subprocess.run([sys.executable, "-c", program], check=True)
        began, ended = tally.read()
    assert began > 0
    assert ended == 0


def test_who_waits_hears_of_a_worker_that_ended():
    def check():
        raise RuntimeError("The worker ended")

    with tallied() as tally, pytest.raises(RuntimeError, match="The worker ended"):
        tally.wait(1, check, timeout=60)


def test_bodies_run_uncounted_where_nobody_counts():
    from benchmarks.bodies import noop

    done = []
    thread = threading.Thread(target=lambda: done.append(noop(3)))
    thread.start()
    thread.join()
    assert done == [3]
