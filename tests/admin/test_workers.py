"""The page of workers: what they are, what they run, and asking them to stop."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry

from django_bgtasks.models import Process, RunningJob

from . import queue_scene as scene
from .queue_scene import FRAGMENT, page, text

LIST = "/admin/django_bgtasks/process/"


def said(response) -> str:
    return " ".join(map(str, response.context["messages"]))


def card(content: str, name: str) -> str:
    (found,) = [
        each
        for each in re.findall(r"<article.*?</article>", content)
        if f" {name} <" in each
    ]
    return found


def facts(content: str, name: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", card(content, name)))


def test_facts_of_a_worker(boss):
    scene.process("bee-1", host="hive", version="1.2.3")
    found = facts(text(boss, LIST), "bee-1")
    assert found["Host"] == "hive"
    assert found["PID"] == "4711"
    assert found["Version"] == "1.2.3"
    assert found["Memory"] == "123.0 MB"
    assert found["Queues"] == "default, mail"
    assert found["Runs"] == "0 / 8"
    assert found["Last heard of"].endswith("s ago")


def test_worker_stands_under_its_supervisor(boss):
    head = scene.process("boss-1", kind="supervisor")
    scene.process("bee-2", parent_id=head.pk)
    scene.process("orphan-3", parent_id=head.pk + 1000)
    families = re.findall(r"<section.*?</section>", text(boss, LIST))
    assert len(families) == 2
    assert "bee-2" in families[0]
    assert "boss-1" in families[0]
    assert "orphan-3" in families[1]


def test_running_jobs_are_shown_with_their_run_time(boss):
    worker, other = scene.process("bee-1"), scene.process("bee-2")
    scene.running(worker, "shop.tasks.slow", for_=timedelta(hours=3, minutes=4))
    job = scene.running(other, "shop.tasks.other")
    RunningJob.objects.filter(job=job).update(cancel_requested=True)
    content = text(boss, LIST)
    assert "shop.tasks.slow" in card(content, "bee-1")
    assert "3 h 4 min" in card(content, "bee-1")
    assert "Asked to stop" not in card(content, "bee-1")
    assert "shop.tasks.other" in card(content, "bee-2")
    assert "Asked to stop" in card(content, "bee-2")


def test_dead_one_is_shown_as_such_and_cannot_be_stopped(boss):
    worker = scene.process("bee-1", silent=timedelta(minutes=1))
    found = card(text(boss, LIST), "bee-1")
    assert "Dead" in found
    assert "It ended without a word." in found
    assert "Stop…" not in found
    scene.running(worker)
    assert "shop.tasks.pack" in text(boss, LIST)


def test_stop_asks_the_process_and_is_logged(boss):
    worker = scene.process("bee-1")
    response = boss.post(page("process_stop"), {"process": worker.pk}, follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "“bee-1” is asked to stop" in said(response)
    assert Process.objects.get().stop_requested is True
    assert "Stopping" in card(" ".join(response.content.decode().split()), "bee-1")
    (entry,) = LogEntry.objects.all()
    assert (entry.user.get_username(), entry.object_repr) == ("boss", "bee-1")
    assert entry.get_change_message() == "Asked to stop."
    assert boss.get(entry.get_admin_url()).headers["Location"] == LIST


@pytest.mark.parametrize("given", ["", "0", "-1", "x", "9" * 30, "9" * 18, "²", "\x00"])
def test_process_that_is_gone_is_said_to_be(boss, given):
    response = boss.post(page("process_stop"), {"process": given}, follow=True)
    assert "has ended already" in said(response)
    assert not LogEntry.objects.exists()


def test_stop_needs_permission_post_and_token(staff, boss):
    worker = scene.process("bee-1")
    address, given = page("process_stop"), {"process": str(worker.pk)}
    assert boss.get(address, given).status_code == 405
    assert staff("view_process").post(address, given).status_code == 403
    strict = staff("view_process", "manage_process", enforce_csrf_checks=True)
    assert strict.post(address, given).status_code == 403
    assert Process.objects.get().stop_requested is False
    assert staff("manage_process").post(address, given).status_code == 302
    assert "Stop…" not in text(staff("view_process"), LIST)


def test_list_needs_the_permission_to_view(staff):
    assert staff("view_queue").get(LIST).status_code == 403


def test_fragment_is_the_page_without_its_frame(boss):
    scene.process("bee-1")
    content = text(boss, LIST, **FRAGMENT)
    assert "bee-1" in content
    assert "<html" not in content


def test_nobody_there_is_said(boss):
    assert "No process is alive" in text(boss, LIST)
