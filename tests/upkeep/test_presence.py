"""The rows by which processes say that they live."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.db import connection

import django_bgtasks
from django_bgtasks.models import Process
from django_bgtasks.upkeep import presence
from django_bgtasks.vendors import vendor_of


def arrive(name="worker-1", **facts):
    arrival = presence.Arrival(kind="worker", name=name, pid=12, **facts)
    return presence.arrive(vendor_of(connection), arrival)


def test_arrival_is_noted_with_its_facts(db):
    before = vendor_of(connection).now()
    pk = arrive(parent_id=3, queues=("mail", "slow"), capacity=8)
    process = Process.objects.get()
    assert process.pk == pk
    assert (process.kind, process.name, process.pid) == ("worker", "worker-1", 12)
    assert (process.parent_id, process.queues, process.capacity) == (3, "mail,slow", 8)
    assert process.host == socket.gethostname()
    assert process.version == django_bgtasks.__version__
    assert before <= process.started_at == process.heartbeat_at
    assert process.stop_requested is False


def test_ids_of_processes_are_never_used_again(db):
    # A running job names its process by this id.
    first = arrive()
    presence.leave(vendor_of(connection), first)
    assert arrive() > first


def test_long_name_is_cut_to_its_column(db):
    arrive(name="w" * 100)
    assert Process.objects.get().name == "w" * 64


def test_heartbeat_is_the_databases_time(db):
    vendor = vendor_of(connection)
    one, other = arrive(), arrive("worker-2")
    long_ago = vendor.now() - timedelta(hours=1)
    Process.objects.update(heartbeat_at=long_ago)
    before = vendor.now()
    assert presence.beat(vendor, [one]) == {one: False}
    beats = dict(Process.objects.values_list("pk", "heartbeat_at"))
    assert before <= beats[one] <= vendor.now()
    assert beats[other] == long_ago


def test_heartbeat_notes_the_memory_of_whom_it_is_known(db):
    vendor = vendor_of(connection)
    one, other, third = arrive("a"), arrive("b"), arrive("c")
    presence.beat(vendor, [one, other, third], {one: 5_000_000_000, other: 7})
    presence.beat(vendor, [one, other, third], {one: 6_000_000_000, other: None})
    found = dict(Process.objects.values_list("name", "memory"))
    assert found == {"a": 6_000_000_000, "b": 7, "c": None}


def test_process_is_asked_to_stop_if_it_is_there(db):
    vendor = vendor_of(connection)
    asked = arrive("a")
    assert presence.ask_to_stop(vendor, asked)
    assert presence.beat(vendor, [asked]) == {asked: True}
    presence.leave(vendor, asked)
    assert not presence.ask_to_stop(vendor, asked)


def test_heartbeat_learns_of_a_request_to_stop_and_of_rows_that_are_gone(db):
    vendor = vendor_of(connection)
    asked, alone, gone = arrive("a"), arrive("b"), arrive("c")
    Process.objects.filter(pk=asked).update(stop_requested=True)
    presence.leave(vendor, gone)
    assert presence.beat(vendor, [asked, alone, gone]) == {asked: True, alone: False}
    assert presence.beat(vendor, []) == {}


def test_process_is_present_until_it_leaves(db):
    vendor = vendor_of(connection)
    pk = arrive()
    assert presence.is_present(vendor, pk)
    presence.leave(vendor, pk)
    assert not presence.is_present(vendor, pk)
    presence.leave(vendor, pk)


def test_pid_may_be_known_later(db):
    pk = arrive()
    presence.set_pid(vendor_of(connection), pk, 99)
    assert Process.objects.get().pid == 99
