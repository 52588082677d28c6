from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from django_bgtasks.processes.control import Control, Order


@pytest.fixture
def pipe() -> Iterator[tuple[Control, int]]:
    reader, writer = os.pipe()
    yield Control(reader), writer
    os.close(reader)


def test_no_order_is_none(pipe: tuple[Control, int]) -> None:
    control, writer = pipe
    assert control.read() is None
    os.close(writer)


def test_the_latest_order_counts(pipe: tuple[Control, int]) -> None:
    control, writer = pipe
    os.write(writer, Order.STOP.value)
    os.write(writer, Order.NOW.value)
    assert control.read() is Order.NOW
    assert control.read() is None
    os.close(writer)


def test_signal_of_its_own_means_stop(pipe: tuple[Control, int]) -> None:
    control, writer = pipe
    control.ask_to_stop()
    assert control.read() is Order.STOP
    os.write(writer, Order.NOW.value)
    assert control.read() is Order.NOW
    os.close(writer)


def test_end_of_the_supervisor_is_noticed_and_waited_for_no_more(
    pipe: tuple[Control, int],
) -> None:
    control, writer = pipe
    descriptor = control.fileno()
    assert descriptor is not None
    os.close(writer)
    assert select.select([descriptor], [], [], 10)[0]
    assert control.read() is Order.ORPHANED
    assert control.fileno() is None
    assert control.read() is Order.ORPHANED
