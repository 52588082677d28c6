"""Beats, people and workers at one schedule, whoever is killed at whatever moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .bounds import THOROUGH
from .scene import Role
from .tick_scene import (
    BEAT,
    BY_HAND,
    DELETE,
    DISABLE,
    EDIT,
    PRUNE,
    REMOVE_JOB,
    WORK,
    Begin,
    TickScene,
    busy_queue,
    busy_skip,
    due,
    held,
    planned,
    unplanned,
)

FIRST: list[tuple[Begin, Role, Role]] = [
    (due, BEAT, BEAT),
    (due, BEAT, EDIT),
    (due, BEAT, DISABLE),
    (due, BEAT, DELETE),
    (due, BEAT, BY_HAND),
    (unplanned, BEAT, BEAT),
    (unplanned, BEAT, DELETE),
    (held, BEAT, BEAT),
    (held, BEAT, REMOVE_JOB),
    (busy_queue, BEAT, REMOVE_JOB),
]
MORE: list[tuple[Any, ...]] = [
    (unplanned, BEAT, EDIT),
    (unplanned, BEAT, BY_HAND),
    (planned, BEAT, EDIT),
    (planned, BY_HAND, BY_HAND),
    (due, BEAT, PRUNE),
    (due, EDIT, DISABLE),
    (due, BY_HAND, DELETE),
    (busy_skip, BEAT, BEAT),
    (busy_skip, BEAT, REMOVE_JOB),
    (busy_skip, BEAT, WORK),
    (busy_queue, BEAT, WORK),
    (busy_queue, BEAT, BEAT),
    (held, BEAT, WORK),
    (held, BEAT, DISABLE),
    (held, BEAT, DELETE),
    (held, BEAT, EDIT),
    (due, BEAT, BEAT, EDIT),
    (due, BEAT, BEAT, BEAT),
    (due, BEAT, BEAT, BY_HAND),
    (unplanned, BEAT, BEAT, EDIT),
    (held, BEAT, BEAT, WORK),
]


@pytest.mark.timeout(3600 if THOROUGH else 300)
@pytest.mark.parametrize(
    ("begin", "roles"),
    [
        pytest.param(
            *(begin, roles),
            id=f"{begin.__name__}: {', '.join(each.name for each in roles)}",
        )
        for begin, *roles in FIRST + MORE * THOROUGH
    ],
)
def test_due_moment_is_enqueued_once(
    play: Callable[..., Any], begin: Begin, roles: list[Role]
) -> None:
    found = play(begin, *roles, kind=TickScene, faults=len(roles) < 3)
    assert found.played
