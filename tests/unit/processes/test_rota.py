from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from django_bgtasks.processes.rota import Duty, Rota


@pytest.fixture
def rota() -> Iterator[Rota]:
    rota = Rota.create()
    yield rota
    rota.close()


def test_nothing_was_done_at_first(rota: Rota) -> None:
    assert [rota.last(duty) for duty in Duty] == [0.0, 0.0]


def test_duties_are_kept_apart(rota: Rota) -> None:
    rota.note(Duty.SWEEP, 12.5)
    assert rota.last(Duty.SWEEP) == 12.5
    assert rota.last(Duty.DEFERRED) == 0.0


def test_it_is_shared_by_its_descriptor(rota: Rota) -> None:
    neighbour = Rota(os.dup(rota.descriptor), 1)
    neighbour.note(Duty.DEFERRED, 7.0)
    assert rota.last(Duty.DEFERRED) == 7.0
    neighbour.close()


def test_they_come_one_after_the_other(rota: Rota) -> None:
    second, third = Rota(os.dup(rota.descriptor), 1), Rota(os.dup(rota.descriptor), 2)
    rota.note(Duty.SWEEP, 7.0)
    moments = [each.last(Duty.SWEEP) for each in (rota, second, third)]
    assert moments == sorted(set(moments))
    second.close()
    third.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="it is a file on a disk")
def test_it_needs_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full one would end whoever writes into it."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    rota = Rota.create()
    rota.note(Duty.SWEEP, 1.0)
    rota.close()
