"""The page about jobs in the admin names the actions and permissions that there are."""

from __future__ import annotations

import pytest

from django_bgtasks.admin.job_actions import ACTIONS
from django_bgtasks.admin.job_list import _MOST
from django_bgtasks.admin.job_runs import BATCH, MOST_ENTRIES
from django_bgtasks.models import Job
from django_bgtasks.overview.failures import SAMPLE
from django_bgtasks.overview.search import WINDOWS

from .pages import codes, read, rows, section

pytestmark = pytest.mark.once

PAGE = "howto/admin-jobs.md"


def test_every_permission_is_documented() -> None:
    named = [codes(row[0])[0] for row in rows(section(PAGE, "## Who may"))]
    own = {codename for codename, _name in Job._meta.permissions}
    assert set(named) == {"view_job", "add_job", "delete_job", *own}
    assert {each.permission for each in ACTIONS.values()} <= set(named)


def test_every_action_is_documented() -> None:
    named = [row[0] for row in rows(section(PAGE, "## Act on many"))]
    assert named == [str(each.label) for each in ACTIONS.values()]


def test_bounds_are_the_documented_ones() -> None:
    text = read(PAGE)
    assert f"the latest {SAMPLE:,} failures" in text
    assert f"the first {MOST_ENTRIES} jobs" in text
    assert f"batches of {BATCH}" in text
    assert f"the latest {sum(WINDOWS):,}\njobs at most" in text
    assert f"end at {_MOST:,}+" in text
