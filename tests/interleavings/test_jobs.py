"""Whoever acts upon a job at the same time, and is killed at whatever moment."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations_with_replacement
from typing import Any

import pytest

from . import job_scene as scene
from .bounds import THOROUGH
from .job_roles import (
    ATOMIC,
    CANCEL,
    CANCEL_LATER,
    DELETE,
    FAIL,
    FINISH,
    GIVE_BACK,
    HASTEN,
    INLINE,
    MOVE,
    PAUSE,
    PROMOTE,
    PRUNE,
    READ,
    RELEASE,
    RESCUE,
    RESCUE_UNBEGUN,
    RETRY_LATER,
    REVIVE,
    TURN,
    WORK,
)
from .scene import Role

PLAYED_TOGETHER: dict[Any, list[Role]] = {
    scene.ready: [WORK, INLINE, CANCEL, CANCEL_LATER, MOVE, DELETE, PAUSE, READ],
    scene.deferred: [PROMOTE, HASTEN, CANCEL, MOVE, DELETE, READ],
    scene.running: [
        *(FINISH, FAIL, RETRY_LATER, RELEASE, TURN, RESCUE, RESCUE_UNBEGUN, GIVE_BACK),
        *(CANCEL, CANCEL_LATER, WORK, DELETE, READ),
    ],
    scene.running_atomic: [ATOMIC, RESCUE, CANCEL],
    scene.lost_twice: [FINISH, RESCUE, CANCEL],
    scene.finished: [REVIVE, PRUNE, DELETE, CANCEL, WORK, READ],
    scene.failed: [REVIVE, PRUNE, DELETE],
}
# One thread of a process writes what ended, so no two of these meet; but an atomic
# task that was given up as stuck may end all the same.
_WRITERS = {FINISH, FAIL, RETRY_LATER, RELEASE, TURN}

# The pairs that are played for every change.
FIRST = [
    (scene.ready, WORK, WORK),
    (scene.ready, WORK, INLINE),
    (scene.ready, WORK, CANCEL),
    (scene.ready, WORK, MOVE),
    (scene.ready, CANCEL, READ),
    (scene.deferred, PROMOTE, HASTEN),
    (scene.deferred, PROMOTE, CANCEL),
    (scene.deferred, PROMOTE, DELETE),
    (scene.running, FINISH, RESCUE),
    (scene.running, FINISH, CANCEL),
    (scene.running, RETRY_LATER, CANCEL),
    (scene.running, RETRY_LATER, RESCUE),
    (scene.running, RETRY_LATER, READ),
    (scene.running, RELEASE, CANCEL),
    (scene.running, TURN, RESCUE),
    (scene.running, TURN, CANCEL),
    (scene.running, TURN, WORK),
    (scene.running, RESCUE, RESCUE),
    (scene.running, RESCUE, CANCEL),
    (scene.running, RESCUE, CANCEL_LATER),
    (scene.running, RESCUE, WORK),
    (scene.running, GIVE_BACK, CANCEL),
    (scene.running_atomic, ATOMIC, RESCUE),
    (scene.running_atomic, ATOMIC, CANCEL),
    (scene.lost_twice, FINISH, RESCUE),
    (scene.finished, REVIVE, REVIVE),
    (scene.finished, REVIVE, PRUNE),
    (scene.finished, REVIVE, DELETE),
    (scene.failed, REVIVE, PRUNE),
]
# What takes three. Nobody is killed in them, or there would be too many orders.
THREE = [
    (scene.running, RESCUE, WORK, FINISH),
    (scene.running, RETRY_LATER, PROMOTE, WORK),
    (scene.finished, REVIVE, PRUNE, WORK),
]
THREE_THOROUGHLY = [
    (scene.ready, WORK, MOVE, CANCEL),
    (scene.ready, WORK, DELETE, CANCEL),
    (scene.deferred, PROMOTE, HASTEN, CANCEL),
    (scene.deferred, PROMOTE, WORK, CANCEL),
    (scene.running, FINISH, RESCUE, CANCEL),
    (scene.running, RETRY_LATER, RESCUE, WORK),
    (scene.running, RETRY_LATER, CANCEL, WORK),
    (scene.running, TURN, RESCUE, WORK),
    (scene.running, RELEASE, CANCEL, WORK),
    (scene.running, GIVE_BACK, RESCUE, WORK),
    (scene.running_atomic, ATOMIC, RESCUE, WORK),
    (scene.finished, REVIVE, DELETE, WORK),
    (scene.failed, REVIVE, PRUNE, CANCEL),
]


def all_pairs() -> list[tuple[Any, ...]]:
    return [
        (begin, *pair)
        for begin, actors in PLAYED_TOGETHER.items()
        for pair in combinations_with_replacement(actors, 2)
        if not (TURN in pair and _WRITERS.issuperset(pair))
    ]


def named(scenes: list[tuple[Any, ...]]) -> list[Any]:
    return [
        pytest.param(
            *(begin, actors),
            id=f"{begin.__name__}: {', '.join(each.name for each in actors)}",
        )
        for begin, *actors in scenes
    ]


@pytest.mark.timeout(3600 if THOROUGH else 300)
@pytest.mark.parametrize(("begin", "actors"), named(all_pairs() if THOROUGH else FIRST))
def test_job_comes_to_one_end(
    play: Callable[..., Any], begin: Any, actors: list[Role]
) -> None:
    found = play(begin, *actors)
    assert found.played


@pytest.mark.timeout(3600 if THOROUGH else 300)
@pytest.mark.parametrize(
    ("begin", "actors"), named(THREE + THREE_THOROUGHLY * THOROUGH)
)
def test_job_comes_to_one_end_among_three(
    play: Callable[..., Any], begin: Any, actors: list[Role]
) -> None:
    found = play(begin, *actors, faults=False)
    assert found.played


def test_search_plays_each_order_that_matters(play: Callable[..., Any]) -> None:
    """Two that cannot meet are played in few orders, two that do in many."""
    apart = play(scene.ready, READ, READ, faults=False)
    assert (apart.played, apart.complete) == (1, True)
    met = play(scene.ready, CANCEL, WORK, faults=False)
    assert met.complete
    # Either takes it, or the worker passes over what is being cancelled.
    assert len(met.ends) >= 2
