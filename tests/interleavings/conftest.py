from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .bounds import BY_CHANCE, MOST, SEED
from .job_scene import JobScene
from .scene import Scene
from .search import Found, Search
from .stage import Cast


@pytest.fixture(scope="session")
def cast(django_db_setup: None) -> Iterator[Cast]:
    cast = Cast()
    yield cast
    cast.dismiss()


@pytest.fixture
def search() -> Callable[[Search], Found]:
    """Play all orders of a scene or, if there are too many, the first ones and some
    by chance."""

    def search(orders: Search) -> Found:
        found = orders.exhaust(MOST)
        if not found.complete:
            orders.sample(BY_CHANCE, SEED)
        return found

    return search


@pytest.fixture
def play(
    cast: Cast, transactional_db: None, search: Callable[[Search], Found]
) -> Callable[..., Found]:
    """Play a scene, of a job unless another kind is given."""

    def play(
        begin: Any, *roles: Any, kind: type[Scene] = JobScene, **more: Any
    ) -> Found:
        scene = kind(cast, begin, roles, **more)
        try:
            return search(scene.search)
        finally:
            scene.close()

    return play
