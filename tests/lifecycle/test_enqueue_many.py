"""Many calls at once."""

from __future__ import annotations

import gc
from contextlib import nullcontext

import pytest

from django_bgtasks.exceptions import InvalidArguments

from . import tasks

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("collects", [True, False])
@pytest.mark.parametrize("bad", [True, False])
def test_garbage_is_collected_afterwards_if_it_was_before(
    collects: bool, bad: bool
) -> None:
    if not collects:
        gc.disable()
    try:
        with pytest.raises(InvalidArguments) if bad else nullcontext():
            calls = [((number,), {}) for number in range(200)]
            tasks.echo.enqueue_many([*calls, ((object() if bad else 1,), {})])
        assert gc.isenabled() is collects
    finally:
        gc.enable()
