"""A scene: how it begins, and those who act in it at the same time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .actors import CUT, CUT_AFTER, KILL
from .search import Search
from .stage import Cast, Move, Stage
from .world import World


@dataclass(frozen=True)
class Role:
    """``act`` gets the facts of the scene, and returns what it has done.

    ``may_be_cut`` is for one that goes on when its connection is lost; the others
    are killed.
    """

    name: str
    act: Callable[[Any], Any]
    may_be_cut: bool = False


class Scene:
    """Plays in all orders, and judges each by what is there in the end.

    ``faults`` says whether one of the actors may be struck, at any moment.
    """

    def __init__(
        self,
        cast: Cast,
        begin: Callable[[], Any],
        roles: Sequence[Role],
        *,
        faults: bool = True,
    ) -> None:
        self.facts = begin()
        self._cast = cast
        self._roles = {
            f"{role.name} {number}": role for number, role in enumerate(roles)
        }
        self._world = World()
        self._faults = [
            Move(name, deed)
            for name, role in self._roles.items()
            for deed in ((CUT, CUT_AFTER) if role.may_be_cut else (KILL,))
            if faults
        ]
        self._seen: set[object] = set()
        self.search = Search(self._play, self._see, self._judge)

    def close(self) -> None:
        logging.disable(logging.NOTSET)
        self._world.forget()

    # What a kind of scene says.

    def see(self) -> None:
        """Assert what holds whenever something was committed."""

    def look(self) -> object:
        """Return what there is, without what differs from run to run."""
        raise NotImplementedError

    def judge(self, deeds: list[Any], *, sure: bool) -> None:
        """Assert what holds in the end, and after others have gone on from there.

        ``deeds`` are what the actors have returned; if one was killed, what it did
        is not known, and they are not ``sure`` to be all.
        """
        raise NotImplementedError

    # How it is played.

    def _play(self) -> Stage:
        logging.disable()
        self._world.restore()
        works = {
            name: lambda role=role: role.act(self.facts)
            for name, role in self._roles.items()
        }
        return Stage(self._cast, works, self._faults)

    def _see(self, stage: Stage) -> None:
        with _Told(stage):
            self.see()

    def _judge(self, stage: Stage) -> object:
        with _Told(stage):
            for ended in stage.ended.values():
                if ended.error is not None and not ended.killed:
                    raise ended.error
            killed = [ended.killed for ended in stage.ended.values()]
            deeds = [each.value for each in stage.ended.values() if not each.killed]
            end = (self.look(), tuple(map(repr, deeds)), tuple(killed))
            if end not in self._seen:
                self._seen.add(end)
                self.judge(deeds, sure=not any(killed))
            return end


class _Told:
    """Says of what fails how it came about."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is not None:
            logging.disable(logging.NOTSET)
            ends = [f"{name}: {end!r}" for name, end in self._stage.ended.items()]
            error.add_note("\n".join([*self._stage.trace, *ends]))
