from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_bgtasks.models import Schedule

Staff = Callable[..., Client]
MakeSchedule = Callable[..., Schedule]


@pytest.fixture
def staff(db: None) -> Staff:
    """Sign in a member of the staff with these permissions, such as "view_job"."""
    numbers = iter(range(1000))

    def enter(*codenames: str, **options: Any) -> Client:
        user = User.objects.create_user(f"staff {next(numbers)}", is_staff=True)
        found = Permission.objects.filter(
            content_type__app_label="django_bgtasks", codename__in=codenames
        )
        assert len(found) == len(codenames), "There is no such permission."
        user.user_permissions.set(found)
        client = Client(**options)
        client.force_login(user)
        return client

    return enter


@pytest.fixture
def boss(db: None) -> Client:
    """A superuser at the site."""
    user = User.objects.create_superuser("boss")
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def schedule(db: None) -> MakeSchedule:
    """Make a schedule; of every minute, unless told otherwise."""
    numbers = iter(range(1000))

    def make(**values: Any) -> Schedule:
        given = {
            "name": f"schedule {next(numbers)}",
            "task_path": "tests.testapp.tasks.record",
            "args": ["key"],
            "crontab": "30 7 * * mon-fri",
            **values,
        }
        return Schedule.objects.create(**given)

    return make
