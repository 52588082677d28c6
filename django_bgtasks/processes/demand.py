"""How many jobs to claim. Pure."""

from __future__ import annotations

from math import inf

# A claimed job should begin within this many seconds: as long as it waits here,
# an idle worker elsewhere cannot have it.
PATIENCE = 0.1
# Jobs per claim, and jobs held beyond those that run.
BATCH = 500
MOST_WAITING = 1_000
# Jobs claimed only to see whether there are coroutines among them, and seconds
# between such claims once they were in vain.
PROBE = 8
# So many coroutines, and nothing else, are no accident: more of them will come.
EVIDENCE = 8
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 16.0


class Pace:
    """How long jobs take in so many places, and so how many may wait for one."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._seconds: float | None = None
        self._ended_at = -inf

    def ended(self, clock: float, seconds: float | None) -> None:
        """Note a run time. A slow one counts at once, fast ones slowly."""
        self._ended_at = clock
        known = self._seconds
        if seconds is None:
            return
        if known is None or seconds > known:
            self._seconds = seconds
        else:
            self._seconds = known + (seconds - known) * 0.1

    def is_stalled(self, clock: float) -> bool:
        """Whether nothing has ended of late, so that what waits may wait long."""
        return clock - self._ended_at > PATIENCE

    def room(self, held: int, clock: float) -> int:
        """Return how many more jobs would begin soon with so many held."""
        if self._seconds is None or self.is_stalled(clock):
            return max(self.places - held, 0)
        soon = int(self.places * PATIENCE / max(self._seconds, 1e-6))
        return max(self.places + min(soon, MOST_WAITING) - held, 0)


class Demand:
    """Whether a job is sync or a coroutine shows only once it is claimed.

    So room for coroutines is claimed for as they have come of late: all of it once
    several have come and nothing else, found as many while they come with others,
    and less when they do not. While the threads are full, or
    the event loop is, a few jobs are claimed for the sake of the other; if there
    are such among them as must be given back, that is done ever more seldom.
    """

    def __init__(self, threads: int, coroutines: int) -> None:
        self.threads = Pace(threads)
        self.coroutines = Pace(coroutines)
        self._ramp = 0
        self._pause = FIRST_PAUSE
        self._in_vain_until = -inf

    def wanted(
        self, in_threads: int, in_loop: int, clock: float, *, probe: bool = True
    ) -> int:
        """Return how many jobs to claim with so many held already.

        Without ``probe``, none only to see whether there are coroutines.
        """
        threads = self.threads.room(in_threads, clock)
        loop = self.coroutines.room(in_loop, clock)
        if clock < self._in_vain_until and not (threads and loop):
            return 0
        wanted = threads + min(self._ramp, loop)
        if not wanted and probe:
            wanted = min(PROBE, loop)
        return min(wanted, BATCH)

    def claimed(
        self, in_threads: int, in_loop: int, clock: float, sync: int, coroutines: int
    ) -> None:
        """Note what has come of a claim that was made with so many held."""
        self._ramp = self._expected(sync, coroutines)
        threads = self.threads.room(in_threads, clock)
        loop = self.coroutines.room(in_loop, clock)
        if threads and loop:
            return
        useful = (sync and threads) or (coroutines and loop)
        if (sync and not threads) or (coroutines and not loop):
            # The next claim may find more behind those that have to wait.
            self._in_vain_until = clock + (PATIENCE if useful else self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        if useful:
            self._pause = FIRST_PAUSE

    def _expected(self, sync: int, coroutines: int) -> int:
        """Return how many coroutines the next claim may bring, by what the last did."""
        most = self.coroutines.places + MOST_WAITING
        found = max(2 * coroutines, self._ramp // 2)
        if coroutines and not sync:
            found = most if coroutines >= EVIDENCE else max(found, EVIDENCE)
        return min(found, most)
