"""What a test tells of a worker when it fails."""

from __future__ import annotations

import pytest

from tests.processes import CommandProcess

pytestmark = pytest.mark.once


def test_last_words_leave_out_what_hides_the_reason() -> None:
    process = CommandProcess.__new__(CommandProcess)
    of_jobs = ["INFO django_bgtasks.job succeeded job=1", "INFO django.tasks Task id=1"]
    process.lines = ["Traceback: the first", *of_jobs * 300]
    process.lines += [f"WARNING django_bgtasks.supervisor {n}" for n in range(39)]
    head, first, *rest = process.last_words.splitlines()
    assert head == "[600 lines are left out]"
    assert first == "Traceback: the first"
    assert rest == process.lines[-39:]


def test_short_output_is_told_as_it_is() -> None:
    process = CommandProcess.__new__(CommandProcess)
    process.lines = ["INFO django_bgtasks.supervisor Starting", "the end"]
    assert process.last_words == "INFO django_bgtasks.supervisor Starting\nthe end"
