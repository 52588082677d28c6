from __future__ import annotations

import os

import pytest

from django_bgtasks.processes.shared_file import unnamed_file


def test_it_is_of_zeros() -> None:
    descriptor = unnamed_file(10)
    assert os.pread(descriptor, 20, 0) == bytes(10)
    os.close(descriptor)


def test_where_no_file_is_in_memory_it_has_its_blocks_and_no_name(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    descriptor = unnamed_file(10)
    assert list(tmp_path.iterdir()) == []
    assert os.fstat(descriptor).st_blocks > 0
    assert os.pread(descriptor, 20, 0) == bytes(10)
    os.close(descriptor)
