from __future__ import annotations

import pytest

from django_bgtasks.models import (
    DeferredJob,
    FinishedJob,
    Job,
    ReadyJob,
    RunningJob,
)

from . import tasks


@pytest.fixture(autouse=True)
def _every_job_is_in_one_place(transactional_db: None):
    """After each test, every job is in exactly one of the tables of states."""
    tasks.ran.clear()
    yield
    places = [
        key
        for model in (ReadyJob, DeferredJob, RunningJob, FinishedJob)
        for key in model.objects.values_list("pk", flat=True)
    ]
    assert len(places) == len(set(places)), "a job is in two places"
    assert set(places) == set(Job.objects.values_list("pk", flat=True))
