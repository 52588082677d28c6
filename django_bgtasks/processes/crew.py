"""The worker processes of a supervisor: started, told to stop, buried."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from ..upkeep.rescue import Death
from .board import Board
from .config import EXIT_GONE, EXIT_RECYCLE, EXIT_STUCK, ChildConfig, WorkerConfig
from .control import Order
from .rota import Rota

logger = logging.getLogger("django_bgtasks.supervisor")

_SOUND_AFTER = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 30.0
IN_ORDER = (0, EXIT_RECYCLE)
# The place of the beat among the workers, which are numbered from 0.
BEAT = -1


@dataclass(slots=True)
class Member:
    """A worker process and what it shares with its supervisor."""

    process_id: int
    name: str
    popen: subprocess.Popen[bytes]
    board: Board
    pipe: int
    number: int
    born: float = field(default_factory=time.monotonic)
    killed_for: float | None = None
    is_replaced: bool = False

    def tell(self, order: Order) -> None:
        with suppress(OSError):
            os.write(self.pipe, order.value)

    def kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.popen.pid, signal.SIGKILL)

    def overdue(self, clock: float, grace: float) -> bool:
        """Whether a task holds the whole process beyond its timeout."""
        deadlines = self.board.begun().values()
        return any(deadline and clock > deadline + grace for deadline in deadlines)

    def bury(self, code: int) -> Death:
        """Say what is known of the end, and let go of what was shared."""
        begun = self.board.begun()
        killed_for = self.killed_for
        if killed_for is None and code == EXIT_STUCK:
            killed_for = time.monotonic()
        overdue: frozenset[UUID] = frozenset()
        if killed_for is not None:
            overdue = frozenset(
                job for job, end in begun.items() if end and end < killed_for
            )
        death = Death(self.process_id, self.name, frozenset(begun), overdue)
        self.board.close()
        os.close(self.pipe)
        return death


def start(
    config: WorkerConfig, rota: Rota, process_id: int, name: str, number: int
) -> Member:
    """Start a worker, or the beat, in a session of its own.

    The terminal's Ctrl-C reaches the supervisor alone, which passes it on.
    """
    board = Board.create(config.threads + config.coroutines)
    # It has just been entered among those who live.
    board.vouch(time.monotonic())
    reader, writer = os.pipe()
    child = ChildConfig(
        worker=config,
        process_id=process_id,
        process_name=name,
        board=board.descriptor,
        control=reader,
        rota=rota.descriptor,
        number=number,
        sys_path=tuple(sys.path),
        is_beat=number == BEAT,
    )
    try:
        popen = subprocess.Popen(
            [sys.executable, "-m", "django_bgtasks.processes.child", child.dump()],
            pass_fds=(board.descriptor, reader, rota.descriptor),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(reader)
    return Member(process_id, name, popen, board, writer, number)


class Pauses:
    """How long to wait before a place is filled again after a crash."""

    def __init__(self) -> None:
        self._pauses: dict[int, float] = {}

    def after(self, member: Member, code: int) -> float:
        lived = time.monotonic() - member.born
        if code in (*IN_ORDER, EXIT_STUCK, EXIT_GONE) or lived > _SOUND_AFTER:
            self._pauses.pop(member.number, None)
            return 0.0
        pause = self._pauses.get(member.number, 0.0)
        pause = min(max(pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
        self._pauses[member.number] = pause
        return pause


def describe_exit(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
