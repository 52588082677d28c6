"""Put: all rows or none, stamped with the database's own time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_bgtasks.ids import uuid7
from django_bgtasks.models import DeferredJob, Job, ReadyJob
from django_bgtasks.vendors import Blank

FIRST = datetime(2026, 5, 4, 3, 2, 1, 654321, tzinfo=UTC)
SECOND = datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
TEXTS = {
    "empty": "",
    "spaces": "  between spaces  ",
    "line ends": "a\nb\r\nc\rd\te",
    "quotes": """it's "quoted" `so` """,
    "backslashes": r"\ \\ \n \u0041 \x00 \' \"",
    "percents": "100% %s %(name)s %%",
    "placeholders": "? :name $1 {0} ;-- /* */ # @x",
    "arrays": '{1,2,NULL,"x"} NULL null',
    "letters": "naïve Straße İstanbul ñ",
    "composed": "e\u0301 \u1e9b\u0323 \u2126",
    "scripts": "漢字 کتاب हिन्दी ไทย",
    "planes": "😀👩‍👩‍👧\U0001d4b3\U0010ffff",
    "controls": "\x01\x1f\x7f\x80\x9f\u2028\u2029\ufeff\ufffe\uffff",
    "json": '{"a":[1e22,0.1,-0.0,12345678901234567890123],"a":1}',
}
MOMENTS = {
    "microseconds": FIRST,
    "last of a second": SECOND,
    "whole second": datetime(2026, 1, 1, tzinfo=UTC),
    "another zone": datetime(2026, 7, 1, 1, tzinfo=timezone(timedelta(hours=13))),
    "first of a repeated hour": datetime(
        2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris")
    ),
    "second of a repeated hour": datetime(
        2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Paris"), fold=1
    ),
    "long ago": datetime(1971, 1, 1, tzinfo=UTC),
    "after 2038": datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    "far ahead": datetime(9998, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
}


def test_all_rows_are_inserted_and_stamped_with_one_time(rows):
    first, second = uuid7().hex, uuid7().hex
    columns = ("job_id", "queue_name", "rank", "attempt")
    state = [(first, "q", 0, 1), (second, "q", -5, 1)]
    now = rows.vendor.put(
        [
            rows.bodies([first, second]),
            rows.insert(ReadyJob, columns, state, ("ready_at",)),
        ]
    )
    assert rows.keys(Job) == rows.keys(ReadyJob) == {first, second}
    assert set(Job.objects.values_list("enqueued_at", flat=True)) == {now}
    assert set(ReadyJob.objects.values_list("ready_at", flat=True)) == {now}
    assert dict(ReadyJob.objects.values_list("rank", "attempt")) == {0: 1, -5: 1}


def test_returned_time_is_aware_and_the_databases(rows):
    before = rows.vendor.now()
    now = rows.vendor.put([rows.bodies([uuid7().hex])])
    assert before <= now <= rows.vendor.now()
    assert now.utcoffset() == timedelta(0)


def test_more_rows_than_fit_a_statement_are_stamped_with_one_time(rows):
    keys = [uuid7().hex for _ in range(rows.vendor.chunk * 2 + 7)]
    now = rows.vendor.put([rows.bodies(keys)])
    assert rows.keys(Job) == set(keys)
    assert set(Job.objects.values_list("enqueued_at", flat=True)) == {now}


def test_rows_that_differ_in_every_column_keep_their_values(rows):
    keys = [uuid7().hex for _ in range(3)]
    columns = ("id", "task_path", "backend", "queue_name", "priority", "args")
    columns += ("kwargs", "metadata", "run_after")
    moments = [None, *map(rows.vendor.to_database, (FIRST, SECOND))]
    given = [
        (key, f"a.b{n}", f"back{n}", f"q{n}", n, f"[{n}]", f'{{"n":{n}}}', meta, moment)
        for n, (key, meta, moment) in enumerate(
            zip(keys, [None, "{}", '{"x":1}'], moments, strict=True)
        )
    ]
    rows.vendor.put([rows.insert(Job, columns, given, ("enqueued_at",))])
    stored = Job.objects.order_by("priority").values_list(*columns[1:])
    assert [list(row) for row in stored] == [
        ["a.b0", "back0", "q0", 0, [0], {"n": 0}, None, None],
        ["a.b1", "back1", "q1", 1, [1], {"n": 1}, {}, FIRST],
        ["a.b2", "back2", "q2", 2, [2], {"n": 2}, {"x": 1}, SECOND],
    ]


def test_nothing_is_inserted_if_one_row_cannot_be(committed):
    first, second = uuid7().hex, uuid7().hex
    committed.vendor.put([committed.bodies([second])])
    with pytest.raises(IntegrityError):
        committed.vendor.put(
            [
                committed.bodies([first]),
                committed.bodies([second]),
            ]
        )
    assert committed.keys(Job) == {second}


def test_nothing_is_inserted_if_a_later_statement_fails(committed):
    taken = uuid7().hex
    committed.vendor.put([committed.bodies([taken])])
    keys = [uuid7().hex for _ in range(committed.vendor.chunk)]
    with pytest.raises(IntegrityError):
        committed.vendor.put([committed.bodies([*keys, taken])])
    assert committed.keys(Job) == {taken}


def test_rows_share_the_fate_of_the_callers_transaction(committed):
    with transaction.atomic():
        committed.vendor.put([committed.bodies([uuid7().hex])])
        transaction.set_rollback(True)
    assert committed.keys(Job) == set()
    key = uuid7().hex
    with transaction.atomic():
        committed.vendor.put([committed.bodies([key])])
    assert committed.keys(Job) == {key}


@pytest.mark.parametrize("watched", [False, True])
def test_stencil_puts_its_rows_with_the_values_filled_in(committed, watched):
    columns = ("job_id", "queue_name", "rank", "attempt")
    state = [(Blank(0), "q", -5, 1)]
    stencil = committed.vendor.stencil(
        [
            committed.bodies([Blank(0)], args=Blank(1)),
            committed.insert(ReadyJob, columns, state, ("ready_at",)),
        ]
    )
    put, told = {}, []
    for number in range(3):
        key = uuid7().hex
        with CaptureQueriesContext(connection) if watched else nullcontext():
            now = stencil.put((key, f"[{number}]"), lambda: told.append(1))
        put[key] = [number], now
    found = Job.objects.values_list("pk", "args", "enqueued_at")
    assert {pk.hex: (args, at) for pk, args, at in found} == put
    assert len(told) == 3
    found = ReadyJob.objects.values_list("pk", "rank", "ready_at")
    assert {(pk.hex, rank, at) for pk, rank, at in found} == {
        (key, -5, now) for key, (_, now) in put.items()
    }


def test_stencil_is_part_of_the_callers_transaction_and_of_its_errors(committed):
    stencil = committed.vendor.stencil([committed.bodies([Blank(0)])])
    taken = uuid7().hex
    stencil.put([taken])
    with transaction.atomic():
        stencil.put([uuid7().hex])
        with pytest.raises(IntegrityError), transaction.atomic():
            stencil.put([taken])
        stencil.put([uuid7().hex])
        transaction.set_rollback(True)
    assert committed.keys(Job) == {taken}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_comes_back_character_by_character(rows, text):
    key = uuid7().hex
    rows.vendor.put([rows.bodies([key], args=text)])
    columns = ("job_id", "queue_name", "rank", "attempt")
    state = rows.insert(ReadyJob, columns, [(key, "q", 0, 1)], ("ready_at",))
    rows.vendor.put([state])
    (row,) = rows.taken().rows
    assert row[6] == text


def test_all_texts_come_back_from_one_statement(rows):
    keys = [uuid7().hex for _ in TEXTS]
    columns = ("id", "task_path", "backend", "queue_name", "priority", "args", "kwargs")
    bodies = [
        (key, "a.b", "default", "q", 0, text, "{}")
        for key, text in zip(keys, TEXTS.values(), strict=True)
    ]
    state = [(key, "q", 0, 1) for key in keys]
    rows.vendor.put(
        [
            rows.insert(Job, columns, bodies, ("enqueued_at",)),
            rows.insert(
                ReadyJob,
                ("job_id", "queue_name", "rank", "attempt"),
                state,
                ("ready_at",),
            ),
        ]
    )
    found = {row[0]: row[6] for row in rows.taken().rows}
    assert found == dict(zip(keys, TEXTS.values(), strict=True))


def test_megabytes_of_text_come_back(rows):
    text = "ab😀c" * 300_000
    key = uuid7().hex
    rows.vendor.put([rows.bodies([key], args=text)])
    columns = ("job_id", "queue_name", "rank", "attempt")
    rows.vendor.put([rows.insert(ReadyJob, columns, [(key, "q", 0, 1)], ("ready_at",))])
    (row,) = rows.taken().rows
    assert row[6] == text


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_moment_comes_back_to_the_microsecond(rows, moment):
    (key,) = rows.deferred([moment])
    stored = DeferredJob.objects.values_list("run_after", flat=True).get(pk=key)
    assert rows.vendor.from_database(stored) == moment.astimezone(UTC)
    Job.objects.update(run_after=moment)
    rows.ready()
    Job.objects.update(run_after=moment)
    (row,) = rows.taken().rows
    assert rows.vendor.from_database(row[7]) == moment.astimezone(UTC)


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_moment_comes_back_in_a_project_without_time_zones(
    rows, settings, moment, zone
):
    settings.USE_TZ = False
    settings.TIME_ZONE = zone
    (key,) = rows.deferred([moment])
    stored = DeferredJob.objects.values_list("run_after", flat=True).get(pk=key)
    assert rows.vendor.from_database(stored) == moment.astimezone(UTC)


def test_no_moment_is_no_moment(rows):
    assert rows.vendor.to_database(None) is None
    assert rows.vendor.from_database(None) is None


def test_rows_that_are_together_too_long_for_one_statement_are_inserted(rows):
    # MariaDB takes 16 MB in one, unless it is told otherwise.
    keys = [uuid7().hex for _ in range(100)]
    bodies = rows.bodies(keys)
    place = bodies.columns.index("args")
    long = f'["{"x" * 200_000}"]'
    texts = [(*row[:place], long, *row[place + 1 :]) for row in bodies.rows]
    rows.vendor.put([replace(bodies, rows=texts)])
    assert rows.keys(Job) == set(keys)
