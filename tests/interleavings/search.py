"""All orders in which the steps of a scene can happen, one after the other.

Depth first, by playing the scene again from its beginning. Of orders that differ
only in steps that touch nothing in common one is played: a move that was tried
sleeps until something happens that it depends on (P. Godefroid, "Partial-Order
Methods for the Verification of Concurrent Systems", chapter 5).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from .stage import Move, Stage
from .steps import Step


@dataclass
class Found:
    """What a search has seen."""

    played: int = 0
    # Begun, but the same as another that was played.
    spared: int = 0
    deadlocks: int = 0
    complete: bool = False
    ends: set[object] = field(default_factory=set)


@dataclass
class _Node:
    moves: list[Move]
    steps: dict[Move, Step]
    asleep: dict[Move, Step]
    at: int = 0


class Search:
    """``play`` prepares the scene and raises the curtain; ``see`` looks after each
    move that shows something, and ``judge`` at the end."""

    def __init__(
        self,
        play: Callable[[], Stage],
        see: Callable[[Stage], None],
        judge: Callable[[Stage], object],
    ) -> None:
        self._play, self._see, self._judge = play, see, judge
        self.found = Found()

    def exhaust(self, limit: int) -> Found:
        """Play all orders, or the first ``limit`` of them."""
        path: list[_Node] = []
        while True:
            self._one(path)
            while path and path[-1].at == len(path[-1].moves) - 1:
                path.pop()
            if not path:
                self.found.complete = True
                return self.found
            path[-1].at += 1
            if self.found.played >= limit:
                return self.found

    def sample(self, count: int, seed: int) -> Found:
        """Play so many orders by chance, the same for the same seed."""
        dice = random.Random(seed)
        for _ in range(count):
            stage = self._play()
            while moves := stage.moves():
                move = dice.choice(sorted(moves))
                self._watched(stage, move)
            self._end(stage)
        return self.found

    def _one(self, path: list[_Node]) -> None:
        stage = self._play()
        asleep: dict[Move, Step] = {}
        depth = 0
        while moves := stage.moves():
            if depth == len(path):
                awake = [move for move in moves if move not in asleep]
                if not awake:
                    self.found.spared += 1
                    stage.abandon()
                    return
                path.append(_Node(awake, moves, asleep))
            node = path[depth]
            assert moves.keys() == node.steps.keys(), (
                f"The scene does not repeat itself: {sorted(moves)} is not "
                f"{sorted(node.steps)} after {stage.trace}"
            )
            move = node.moves[node.at]
            new = depth == len(path) - 1
            done = self._watched(stage, move) if new else stage.perform(move)
            tried = {each: node.steps[each] for each in node.moves[: node.at]}
            asleep = {
                each: step
                for each, step in {**node.asleep, **tried}.items()
                if each.actor != move.actor
                and not (each.is_fault and move.is_fault)
                and not step.depends_on(done)
            }
            depth += 1
        self._end(stage)

    def _watched(self, stage: Stage, move: Move) -> Step:
        done = stage.perform(move)
        if done.shows:
            try:
                self._see(stage)
            except BaseException:
                stage.abandon()
                raise
        return done

    def _end(self, stage: Stage) -> None:
        self.found.played += 1
        self.found.deadlocks += stage.deadlocks
        self.found.ends.add(self._judge(stage))
