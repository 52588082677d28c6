"""With the printed grants alone, each part does its work, and nobody else's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connection, transaction
from django.http import HttpRequest
from django.test import Client

from django_bgtasks.compat import task_backends
from django_bgtasks.management.grants import ROLES
from django_bgtasks.models import Job, Plan, Process, Queue, Schedule
from django_bgtasks.overview.health import read_status
from django_bgtasks.periodic import tick
from django_bgtasks.site import job_events_url, job_status_url
from django_bgtasks.upkeep import fold, prune, rescue, ticks
from tests import databases
from tests.docs.pages import blocks
from tests.fuzz.scene import Scene, make_scene
from tests.inline import InlineWorker
from tests.testapp.models import Effect
from tests.testapp.tasks import record
from tests.waiting import eventually

# What Django's admin itself needs, and the tables of the site's own tasks.
OTHERS = {
    "admin": ("auth_user", "django_session", "django_admin_log", "django_content_type"),
    "worker": ("testapp_effect",),
}


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def printed(part: str, role: str) -> str:
    out = StringIO()
    call_command("bgtasks", "grants", part, role, stdout=out)
    return out.getvalue()


@pytest.fixture
def roles(transactional_db: None) -> Iterator[dict[str, str]]:
    """A role of the server for each part, with its grants."""
    names = {part: f"bgtasks_{part}_{os.getpid()}" for part in ROLES}
    for part, name in names.items():
        execute(f"CREATE ROLE {name} LOGIN", printed(part, name))
        for table in OTHERS.get(part, ()):
            execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {name}")
    yield names
    for name in names.values():
        execute(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


@pytest.fixture
def as_role(roles: dict[str, str]) -> Callable[[str], Any]:
    @contextmanager
    def become(part: str) -> Iterator[None]:
        execute(f"SET ROLE {roles[part]}")
        try:
            yield
        finally:
            execute("RESET ROLE")

    return become


@pytest.fixture
def scene(transactional_db: None) -> Scene:
    return make_scene()


def refused(*statements: str) -> None:
    for statement in statements:
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            execute(statement)


def table(name: str) -> str:
    return f"django_bgtasks_{name}"


@pytest.mark.only_on("postgresql")
def test_web_enqueues_and_reads(as_role: Any, scene: Scene) -> None:
    with as_role("web"):
        result = record.enqueue("a")
        record.using(run_after=timedelta(hours=1), metadata={"a": 1}).enqueue("b")
        record.enqueue_many([(("c",), {}), (("d",), {})])
        result.refresh()
        assert result.status.value == "READY"
        backend: Any = task_backends["default"]
        for each in scene.jobs:
            assert backend.get_result(each).id == each


@pytest.mark.only_on("postgresql")
def test_web_serves_the_pages_of_jobs(
    as_role: Any, scene: Scene, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.site.urls"
    results = [task_backends["default"].get_result(str(each)) for each in scene.jobs]
    with as_role("web"):
        for result in results:
            assert Client().get(job_status_url(result)).status_code == 200
        stream = Client().get(job_events_url(results[0]))
        assert b"event: finished" in stream.getvalue()
        query = "&".join(f"job={each}" for each in scene.jobs)
        assert Client().get(f"/bars/?{query}").status_code == 200


@pytest.mark.only_on("postgresql")
def test_web_answers_the_monitor(as_role: Any, scene: Scene) -> None:
    """By the view that the page on alerts shows."""
    ((_, code),) = blocks("howto/alerts.md", "python")
    scope: dict[str, Any] = {}
    exec(code, scope)
    with as_role("web"):
        answer = scope["queue_health"](HttpRequest())
    assert answer.status_code == 200, answer.content
    found = {queue["name"] for queue in json.loads(answer.content)["queues"]}
    assert found >= {"default", "mail"}


@pytest.mark.only_on("postgresql")
def test_web_can_do_nothing_else(as_role: Any, scene: Scene) -> None:
    with as_role("web"):
        for name in ("job", "readyjob", "deferredjob", "runningjob", "finishedjob"):
            refused(f"DELETE FROM {table(name)}")
        refused(
            f"UPDATE {table('job')} SET args = '[]'",
            f"UPDATE {table('runningjob')} SET cancel_requested = true",
            f"SELECT * FROM {table('schedule')}",
            f"INSERT INTO {table('queue')} (name) VALUES ('mail')",
            f"UPDATE {table('queue')} SET paused_at = NULL",
            f"DELETE FROM {table('rollup')}",
            f"SELECT * FROM {table('joblog')}",
            f"SELECT * FROM {table('failure')}",
            f"DELETE FROM {table('process')}",
            "SELECT * FROM auth_user",
        )


@pytest.mark.only_on("postgresql")
def test_worker_and_beat_run_a_process_of_their_own(
    roles: dict[str, str], run_manage: Any, worker_env: dict[str, str]
) -> None:
    Schedule.objects.create(
        name="often",
        task_path=record.module_path,
        args=["scheduled"],
        kind="interval",
        every=timedelta(seconds=1),
    )
    record.enqueue("enqueued")

    def env(part: str) -> dict[str, str]:
        entry = {**connection.settings_dict, "USER": roles[part], "PASSWORD": ""}
        return {"BGTASKS_TEST_DATABASE_URL": databases.to_url(entry)}

    worker = run_manage("runworker", "--no-reload", env=env("worker"))
    beat = run_manage("runbeat", env=env("beat"))
    for key in ("enqueued", "scheduled"):
        assert eventually(Effect.objects.filter(key=key).exists)
    for process in (beat, worker):
        assert process.stop() == 0
        assert "permission denied" not in process.output


@pytest.mark.only_on("postgresql")
def test_worker_does_all_its_upkeep(as_role: Any, scene: Scene) -> None:
    with as_role("worker"):
        worker = InlineWorker("next")
        rescue.rescue(
            worker.vendor,
            rescue.Death(process=scene.process, name="worker-1"),
            task_backends["default"].settings,  # type: ignore[attr-defined]
        )
        worker.run_all()
        prune.prune(connection)
        prune.prune_older(connection, worker.vendor.now())
        fold.fold(worker.vendor)
        ticks.prune_ticks(worker.vendor, timedelta())
        read_status(task_backends["default"])


@pytest.mark.only_on("postgresql")
def test_worker_cannot_change_what_people_decide(as_role: Any, scene: Scene) -> None:
    with as_role("worker"):
        refused(
            f"UPDATE {table('queue')} SET paused_at = NULL",
            f"UPDATE {table('schedule')} SET task_path = 'x'",
            f"SELECT * FROM {table('schedule')}",
            f"DELETE FROM {table('plan')}",
            "SELECT * FROM auth_user",
        )


@pytest.mark.only_on("postgresql")
def test_beat_enqueues_what_is_due(as_role: Any, scene: Scene) -> None:
    Schedule.objects.update(crontab="* * * * *")
    backend: Any = task_backends["default"]
    with as_role("beat"):
        beat = InlineWorker("beat")
        tick.look(beat.vendor, backend)
    past = beat.vendor.now().replace(second=0, microsecond=0)
    Plan.objects.update(next_run_at=past, wake_at=past)
    with as_role("beat"):
        assert tick.look(beat.vendor, backend).enqueued == 1


@pytest.mark.only_on("postgresql")
def test_beat_cannot_touch_jobs_that_are_there(as_role: Any, scene: Scene) -> None:
    with as_role("beat"):
        refused(
            f"DELETE FROM {table('readyjob')}",
            f"UPDATE {table('job')} SET args = '[]'",
            f"DELETE FROM {table('finishedjob')}",
            f"SELECT * FROM {table('joblog')}",
            f"UPDATE {table('queue')} SET paused_at = NULL",
        )


@pytest.mark.only_on("postgresql")
def test_admin_does_all_it_offers(as_role: Any, scene: Scene) -> None:
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    root = "/admin/django_bgtasks/"
    with as_role("admin"):
        for page in ("", "job/", "failure/", "queue/", "process/", "schedule/"):
            assert boss.get(f"{root}{page}").status_code == 200
        for each in scene.jobs:
            assert boss.get(f"{root}job/{each}/change/").status_code == 200
        done, failed, _any, running, waiting, later, hostile = scene.jobs
        for action, job in (
            ("retry", failed),
            ("cancel", running),
            ("cancel", waiting),
            ("run_now", later),
            ("retry", hostile),
        ):
            values = {"action": action, "_selected_action": job}
            assert boss.post(f"{root}job/act/", values).status_code == 302
        for values in (
            {"action": "move", "_selected_action": later, "more": {"priority": "5"}},
            {"action": "delete", "_selected_action": done, "more": {}},
        ):
            more: Any = values.pop("more")
            page: Any = boss.post(f"{root}job/act/", values)
            run = {"run": page.context["token"], **more}
            assert boss.post(f"{root}job/act/", run).status_code == 302
        assert not Job.objects.filter(pk=done).exists()
        boss.post(f"{root}queue/pause/", {"queue": "mail"})
        boss.post(f"{root}queue/resume/", {"queue": "mail"})
        assert Queue.objects.filter(name="mail", paused_at=None).exists()
        boss.post(f"{root}process/stop/", {"process": str(scene.process)})
        mine = f"{root}schedule/{scene.schedule.pk}/"
        for deed in ("run", "duplicate", "toggle"):
            assert boss.post(f"{mine}{deed}/").status_code == 302
        assert boss.post(f"{mine}delete/", {"post": "yes"}).status_code == 302
        assert [each.name for each in Schedule.objects.all()] == ["nightly (copy)"]


@pytest.mark.only_on("postgresql")
def test_admin_cannot_pretend_to_be_a_worker(as_role: Any, scene: Scene) -> None:
    with as_role("admin"):
        refused(
            f"DELETE FROM {table('runningjob')}",
            f"DELETE FROM {table('process')}",
            f"DELETE FROM {table('rollup')}",
        )
        with pytest.raises(ProgrammingError), transaction.atomic():
            Process.objects.create(
                kind="worker",
                name="x",
                host="x",
                pid=1,
                started_at="2026-11-21T12:00Z",
                heartbeat_at="2026-11-21T12:00Z",
            )


@pytest.mark.django_db
@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("name", ['"x"; DROP TABLE a; --', "a b", "", "public", "none"])
def test_name_that_cannot_be_quoted_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="no name of a role"):
        printed("web", name)


@pytest.mark.django_db
@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize("name", ["x" * 64, "é" * 32])
def test_name_that_would_be_cut_off_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="longer than 63 bytes"):
        printed("web", name)
    assert f'TO "{name[:31]}"' in printed("web", name[:31])


@pytest.mark.django_db
@pytest.mark.only_on("sqlite", "mariadb", "mysql")
def test_other_databases_are_refused_in_words() -> None:
    with pytest.raises(CommandError, match="No grants are known"):
        printed("web", "shop")
