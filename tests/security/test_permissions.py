"""Every address of the admin, asked for by those who may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.fuzz.scene import Scene, make_scene

pytestmark = pytest.mark.django_db

APP = "django_bgtasks"
# What the buttons and forms send, all at once.
DEEDS = ("retry", "cancel", "run_now", "delete", "move")


@pytest.fixture
def scene(db: None) -> Scene:
    return make_scene()


def names() -> list[str]:
    found = [
        each.name or ""
        for pattern in admin.site.get_urls()
        for each in getattr(pattern, "url_patterns", [pattern])
    ]
    return sorted({name for name in found if name.startswith(f"{APP}_")})


def addresses(scene: Scene) -> Iterator[str]:
    """Yield every address of the package's pages, about rows that are there."""
    job = scene.jobs[4]
    known: dict[str, list[list[Any]]] = {
        "job": [[job], [job, "args"], ["csv"]],
        "failure": [[scene.jobs[1]]],
        "schedule": [[scene.schedule.pk]],
        "process": [[scene.process]],
        "queue": [["mail"]],
    }
    for name in names():
        model = name.removeprefix(f"{APP}_").partition("_")[0]
        found = []
        for arguments in ([], *known[model]):
            with suppress(NoReverseMatch):
                found.append(reverse(f"admin:{name}", args=arguments))
        assert found, name
        yield from found
    yield reverse("admin:app_list", args=[APP])


def bodies(scene: Scene, address: str) -> Iterator[dict[str, Any]]:
    if address.endswith("/act/"):
        for deed in DEEDS:
            yield {"action": deed, "_selected_action": scene.jobs[4], "priority": "9"}
    yield {
        "queue": "mail",
        "process": str(scene.process),
        "post": "yes",
        "_save": "1",
        "name": "mine",
        "task_path": "tests.testapp.tasks.record",
        "args": '["mine"]',
        "kind": "crontab",
        "crontab": "* * * * *",
        "queue_name": "mail",
        "priority": "1",
        "action": "delete_selected",
        "_selected_action": str(scene.schedule.pk),
    }


def is_refused(answer: Any) -> bool:
    # Of what is no row, Django leads back to the index of the admin.
    led_back = answer.request["PATH_INFO"] == "/admin/"
    return led_back or answer.status_code in (403, 404, 405)


def contents() -> dict[str, list[Any]]:
    found = {
        model.__name__: sorted(map(repr, model._default_manager.values_list()))
        for model in apps.get_app_config(APP).get_models()
    }
    return {**found, "log": list(LogEntry.objects.values_list())}


@pytest.fixture
def user(db: None) -> Callable[..., Client]:
    def enter(*codenames: str, is_staff: bool = True) -> Client:
        someone = User.objects.create_user("someone", is_staff=is_staff)
        someone.user_permissions.set(
            Permission.objects.filter(
                content_type__app_label=APP, codename__in=codenames
            )
        )
        client = Client()
        client.force_login(someone)
        return client

    return enter


def test_every_page_of_the_package_is_among_them() -> None:
    for model in ("job", "schedule", "queue", "process", "failure"):
        assert f"{APP}_{model}_changelist" in names()
    assert f"{APP}_job_act" in names()
    assert f"{APP}_schedule_run" in names()


def test_staff_without_a_permission_is_shown_and_may_do_nothing(
    user: Callable[..., Client], scene: Scene
) -> None:
    client, before = user(), contents()
    for address in addresses(scene):
        assert is_refused(client.get(address, follow=True)), address
        for body in bodies(scene, address):
            assert is_refused(client.post(address, body, follow=True)), address
    assert contents() == before


@pytest.mark.parametrize("signed_in", [True, False])
def test_who_is_not_of_the_staff_is_sent_to_sign_in(
    user: Callable[..., Client], scene: Scene, signed_in: bool
) -> None:
    client, before = user(is_staff=False) if signed_in else Client(), contents()
    for address in addresses(scene):
        for answer in (
            client.get(address),
            *(client.post(address, body) for body in bodies(scene, address)),
        ):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/login/"), address
    assert contents() == before


def test_who_may_see_everything_changes_nothing(
    user: Callable[..., Client], scene: Scene
) -> None:
    views = [
        each.codename
        for each in Permission.objects.filter(content_type__app_label=APP)
        if each.codename.startswith("view_")
    ]
    client, before = user(*views), contents()
    for address in addresses(scene):
        for body in bodies(scene, address):
            assert client.post(address, body).status_code < 500
    after = contents()
    # Exports are allowed, and noted.
    exports = [row for row in after["log"] if row not in before["log"]]
    assert all("Export" in str(row) for row in exports)
    assert after == {**before, "log": after["log"]}
