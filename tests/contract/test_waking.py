"""Waking: a sleeping worker learns of work, or asks for it soon enough."""

from __future__ import annotations

import os
import select
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from django_bgtasks.vendors import ANYTHING, Watcher, file_events
from django_bgtasks.vendors.change_watcher import ChangeWatcher
from django_bgtasks.vendors.file_events import FileEvents
from tests.testapp.models import Effect
from tests.waiting import eventually

CHANNEL = "django_bgtasks_test"
LISTENS = pytest.mark.only_on("postgresql")


@pytest.fixture
def watch(committed: Any) -> Iterator[Any]:
    """Return a watcher of the channel, on a connection of its own."""
    made = []

    def make(listen: bool | str = True) -> Watcher:
        watcher = committed.vendor.watch(CHANNEL, listen)
        made.append(watcher)
        return watcher

    yield make
    for watcher in made:
        watcher.close()


def hearing(watcher: Watcher, committed: Any) -> Watcher:
    """Have the watcher prove that it hears, and forget what it has heard."""

    def hears() -> bool:
        watcher.tend(lambda token: committed.vendor.notify(CHANNEL, token))
        watcher.stirred()
        return watcher.hears

    eventually(hears, "the watcher to hear")
    watcher.stirred()
    watcher.messages.clear()
    return watcher


@contextmanager
def at_rest(watcher: Watcher) -> Iterator[None]:
    """Nothing has stirred the watcher when this begins."""
    eventually(lambda: not watcher.stirred(), "the watcher to be at rest")
    yield


def test_watcher_stirs_at_its_first_look(watch):
    assert watch().stirred()


def test_commit_and_notification_of_another_connection_stir_it(watch, committed, other):
    watcher = watch()
    watcher.stirred()

    def enqueue():
        committed.ready()
        committed.vendor.notify(CHANNEL, "job")

    other.run(enqueue)
    assert eventually(watcher.stirred, "the watcher to stir")


@LISTENS
def test_listener_polls_while_nobody_answers_and_hears_afterwards(
    watch, committed, monkeypatch, caplog
):
    """Whether the server is away from the beginning, or is when it connects again."""
    with monkeypatch.context() as away:
        away.setitem(connections.settings["default"], "PORT", "1")
        late = watch()
        assert late.fileno() is None
        assert late.stirred()
        late._next_connect = 0.0
        late.tend(lambda token: None)
        assert not late.hears
    assert "LISTEN is deaf, polling instead" in caplog.text
    late._wrapper.settings_dict["PORT"] = connection.settings_dict["PORT"]
    late._next_connect = 0.0
    assert hearing(late, committed).hears


def test_pause_is_short_after_work_and_grows_without(watch):
    watcher = watch(listen=False)
    busy = watcher.pause(busy=True)
    pauses = [watcher.pause(busy=False) for _ in range(100)]
    assert pauses == sorted(pauses)
    assert busy <= pauses[0]
    assert pauses[-1] <= 1.0
    assert watcher.pause(busy=True) == busy


def test_who_does_not_listen_asks_at_every_look(watch, vendor):
    watcher = watch(listen=False)
    if vendor == "sqlite":
        pytest.skip("SQLite is asked whether its file has changed, and needs no LISTEN")
    assert watcher.fileno() is None
    assert watcher.stirred()
    assert watcher.stirred()


def test_watcher_may_be_tended_and_closed_at_any_time(watch, committed):
    watcher = watch()
    for _ in range(3):
        watcher.tend(lambda token: committed.vendor.notify(CHANNEL, token))
    watcher.close()
    watcher.close()


def test_notification_without_a_listener_does_nothing(committed):
    committed.vendor.notify(CHANNEL, "job")


def test_what_somebody_has_just_looked_at_is_left_alone(watch, vendor):
    watcher = watch(listen=False)
    assert watcher.stirred()
    watcher.looked(time.monotonic())
    assert not watcher.stirred()
    assert 0 < watcher.pause(busy=False) <= 1.0


@LISTENS
def test_listener_hears_also_after_somebody_has_looked(watch, committed, other):
    watcher = hearing(watch(), committed)
    with at_rest(watcher):
        watcher.looked(time.monotonic())
        other.run(lambda: committed.vendor.notify(CHANNEL, "job"))
        eventually(watcher.stirred, "the watcher to stir")


@pytest.mark.only_on("sqlite")
def test_file_that_nobody_wrote_to_stirs_nothing(watch, committed, other, monkeypatch):
    watcher = watch()
    watcher.stirred()
    assert not watcher.stirred()
    other.run(lambda: Effect.objects.create(key="anything"))
    assert watcher.stirred()
    assert not watcher.stirred()


@pytest.mark.only_on("sqlite")
def test_what_is_not_committed_yet_stirs_nothing(watch, other):
    watcher = watch()
    watcher.stirred()
    other.begin()
    other.run(lambda: Effect.objects.create(key="anything"))
    assert not watcher.stirred()
    other.commit()
    assert watcher.stirred()


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(sys.platform != "linux", reason="inotify is of Linux")
def test_write_wakes_who_watches_the_file(watch, other):
    watcher = watch()
    watcher.stirred()
    other.run(lambda: Effect.objects.create(key="anything"))
    # The log of writes may have been made by that.
    watcher.tend(lambda token: None)
    assert eventually(watcher.stirred, "the watcher to stir")
    eventually(lambda: watcher.fileno() is not None, "the end of its pause")
    other.run(lambda: Effect.objects.create(key="another"))
    readable, _, _ = select.select([watcher.fileno()], [], [], 30)
    assert readable == [watcher.fileno()]
    assert eventually(watcher.stirred, "the watcher to stir")
    assert watcher.hears
    assert watcher.messages == {ANYTHING}


@pytest.mark.only_on("sqlite")
def test_file_is_asked_often_where_nobody_tells_of_writes(watch, other, monkeypatch):
    def refuse(self, paths):
        raise OSError("no inotify")

    monkeypatch.setattr(FileEvents, "__init__", refuse)
    watcher = watch()
    watcher.stirred()
    other.run(lambda: Effect.objects.create(key="anything"))
    assert watcher.stirred()
    assert not watcher.hears
    assert watcher.fileno() is None
    assert all(watcher.pause(busy=False) <= 0.1 for _ in range(50))
    watcher.tend(lambda token: None)


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(sys.platform != "linux", reason="inotify is of Linux")
def test_write_is_heard_of_behind_a_link_to_the_file(committed, tmp_path):
    """SQLite keeps the log of writes beside the file itself."""
    (tmp_path / "data").mkdir()
    file, link = tmp_path / "data" / "real.sqlite3", tmp_path / "link.sqlite3"
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE effect (key)")
        link.symlink_to(file)
        wrapper = connections.create_connection("default")
        wrapper.settings_dict = {**wrapper.settings_dict, "NAME": str(link)}
        with closing(wrapper), closing(ChangeWatcher(wrapper)) as watcher:
            watcher.stirred()
            writer.execute("INSERT INTO effect VALUES (1)")
            writer.commit()
            readable, _, _ = select.select([watcher.fileno()], [], [], 5)
            assert readable
            assert watcher.stirred()
            assert watcher.hears


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(sys.platform != "linux", reason="inotify is of Linux")
def test_watch_that_is_refused_leaves_nothing_open(tmp_path, monkeypatch):
    """As where the user has no watches left."""
    call, opened = file_events._call, []

    def refuse(name, *arguments):
        if name == "inotify_add_watch":
            raise OSError("no watches left")
        opened.append(call(name, *arguments))
        return opened[-1]

    monkeypatch.setattr(file_events, "_call", refuse)
    with pytest.raises(OSError, match="no watches left"):
        FileEvents([str(tmp_path)])
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(*opened)


@LISTENS
def test_listener_that_proved_its_hearing_is_told_what_happened(
    watch, committed, other
):
    watcher = hearing(watch(), committed)
    with at_rest(watcher):
        other.run(lambda: committed.vendor.notify(CHANNEL, "cancel"))
        eventually(watcher.stirred, "the watcher to stir")
    assert watcher.messages == {"cancel"}


@LISTENS
def test_descriptor_turns_readable_when_something_happens(watch, committed, other):
    watcher = hearing(watch(), committed)
    with at_rest(watcher):
        other.run(lambda: committed.vendor.notify(CHANNEL, "job"))
        readable, _, _ = select.select([watcher.fileno()], [], [], 30)
    assert readable == [watcher.fileno()]


@LISTENS
def test_listener_hears_of_a_transaction_at_its_commit(watch, committed, other):
    watcher = hearing(watch(), committed)
    other.begin()
    other.run(lambda: committed.vendor.notify(CHANNEL, "job"))
    with at_rest(watcher):
        pass
    assert watcher.messages == set()
    other.commit()
    eventually(watcher.stirred, "the watcher to stir")
    assert watcher.messages == {"job"}


@LISTENS
def test_other_channels_are_not_heard(watch, committed, other):
    watcher = hearing(watch(), committed)
    other.run(lambda: committed.vendor.notify("another_channel", "job"))
    other.run(lambda: committed.vendor.notify(CHANNEL, "after"))
    eventually(lambda: watcher.stirred() and watcher.messages, "the second message")
    assert watcher.messages == {"after"}


@LISTENS
def test_proofs_of_other_workers_stir_nothing(watch, committed):
    watcher, neighbour = hearing(watch(), committed), watch()
    with at_rest(watcher):
        hearing(neighbour, committed)
        committed.vendor.notify(CHANNEL, "after")
        eventually(lambda: watcher.stirred() and watcher.messages, "the message")
    assert watcher.messages == {"after"}


@LISTENS
def test_listener_polls_until_it_has_proved_its_hearing(watch):
    watcher = watch()
    assert not watcher.hears
    assert watcher.stirred()
    assert watcher.stirred()
    assert watcher.pause(busy=True) < 0.1


@LISTENS
def test_listener_whose_connection_is_cut_polls(watch, committed):
    watcher = hearing(watch(), committed)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(%s)",
            [watcher._wrapper.connection.info.backend_pid],
        )
    eventually(lambda: watcher.stirred() and not watcher.hears, "deafness")
    assert watcher.stirred()
    assert watcher.stirred()
    assert watcher.fileno() is None
    assert watcher.pause(busy=True) < 0.1


@LISTENS
def test_listener_whose_proof_never_arrives_polls(watch, monkeypatch):
    monkeypatch.setattr("django_bgtasks.vendors.listener._PING_LATEST", 0)
    watcher = watch()
    # A pooler in transaction mode takes LISTEN, and nothing ever comes.
    eventually(
        lambda: watcher.tend(lambda token: None) or watcher.fileno() is None,
        "the watcher to give up listening",
    )
    assert not watcher.hears
    assert watcher.stirred()


@LISTENS
def test_listener_connects_again(watch, committed, monkeypatch):
    watcher = hearing(watch(), committed)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(%s)",
            [watcher._wrapper.connection.info.backend_pid],
        )
    eventually(lambda: watcher.stirred() and watcher.fileno() is None, "deafness")
    monkeypatch.setattr(watcher, "_next_connect", 0.0)
    hearing(watcher, committed)
    committed.vendor.notify(CHANNEL, "job")
    eventually(lambda: watcher.stirred() and watcher.messages, "the message")


@LISTENS
def test_notification_waits_for_the_commit_of_its_transaction_only(committed):
    with transaction.atomic():
        committed.vendor.notify(CHANNEL, "job")
        transaction.set_rollback(True)
