"""Enqueue: a job's body and its first state, all or none."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_bgtasks import InvalidArguments
from django_bgtasks.compat import InvalidTask
from django_bgtasks.lifecycle.enqueue import CHANNEL
from django_bgtasks.models import DeferredJob, Job, ReadyJob
from django_bgtasks.vendors import vendor_of
from tests.inline import whereabouts
from tests.testapp.models import Effect
from tests.waiting import eventually

from . import tasks

HOUR = timedelta(hours=1)


def test_body_holds_what_was_asked_for(db):
    result = tasks.echo.using(
        queue_name="mail", priority=9, metadata={"user": 1}, expires=HOUR
    ).enqueue(1, "two", key=[3])
    job = Job.objects.get()
    assert str(job.pk) == result.id
    assert job.task_path == "tests.lifecycle.tasks.echo"
    assert (job.backend, job.queue_name, job.priority) == ("default", "mail", 9)
    assert (job.args, job.kwargs, job.metadata) == (
        [1, "two"],
        {"key": [3]},
        {"user": 1},
    )
    assert job.run_after is None
    assert job.enqueued_at == result.enqueued_at
    assert job.expires_at - job.enqueued_at == pytest.approx(HOUR, abs=HOUR / 60)


def test_each_call_of_a_task_and_of_its_copies_is_its_own(db):
    results = [tasks.echo.enqueue(number, key=number) for number in range(3)]
    for number, name in enumerate(["mail", "default", "mail"], 3):
        copy = tasks.echo.using(queue_name=name, priority=number)
        results.append(copy.enqueue(number, key=number))
    jobs = Job.objects.order_by("pk")
    assert [str(job.pk) for job in jobs] == [result.id for result in results]
    assert [job.args for job in jobs] == [[number] for number in range(6)]
    assert [job.kwargs for job in jobs] == [{"key": number} for number in range(6)]
    assert [job.priority for job in jobs] == [0, 0, 0, 3, 4, 5]
    assert [job.queue_name for job in jobs[2:]] == [
        "default",
        "mail",
        "default",
        "mail",
    ]
    assert [result.args for result in results] == [job.args for job in jobs]
    ready = dict(ReadyJob.objects.values_list("pk", "queue_name"))
    assert ready == {job.pk: job.queue_name for job in jobs}


def test_job_to_run_now_is_ready(db):
    result = tasks.echo.using(queue_name="mail", priority=9).enqueue()
    assert whereabouts(result) == ["ReadyJob"]
    ready = ReadyJob.objects.get()
    assert (ready.queue_name, ready.rank, ready.attempt) == ("mail", -9, 1)
    assert ready.ready_at == result.enqueued_at


def test_job_to_run_later_is_deferred(db):
    moment = datetime(2040, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    result = tasks.echo.using(run_after=moment, priority=-9).enqueue()
    assert whereabouts(result) == ["DeferredJob"]
    deferred = DeferredJob.objects.get()
    assert (deferred.run_after, deferred.rank, deferred.attempt) == (moment, 9, 1)
    assert Job.objects.get().run_after == moment
    result.refresh()
    assert result.run_after == result.task.run_after == moment


def test_moment_that_has_passed_already_is_now(worker):
    result = tasks.echo.using(run_after=-60).enqueue(1)
    assert len(worker.run_all()) == 1
    result.refresh()
    assert result.return_value == [1]


def test_job_that_is_not_due_does_not_run(worker):
    result = tasks.echo.using(run_after=HOUR).enqueue(1)
    assert worker.run_all() == []
    assert whereabouts(result) == ["DeferredJob"]


def test_enqueue_takes_few_statements(db, vendor):
    tasks.echo.enqueue()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        tasks.echo.enqueue()
    # The body, the state and, on MariaDB and MySQL, the clock; PostgreSQL does all
    # of it in one.
    most = {"postgresql": 1, "sqlite": 2}.get(vendor, 3)
    assert len(queries) <= most, queries.captured_queries


def test_statements_of_a_bulk_do_not_grow_with_its_length(db):
    tasks.echo.enqueue()

    def statements(count):
        with CaptureQueriesContext(connection) as queries:
            tasks.echo.enqueue_many(((number,), {}) for number in range(count))
        return len(queries)

    assert statements(400) <= statements(2) + 2


def test_many_are_enqueued_in_the_order_of_their_calls(worker):
    results = tasks.echo.enqueue_many(((number,), {}) for number in range(1_200))
    assert [result.args for result in results] == [[n] for n in range(1_200)]
    assert [result.id for result in results] == sorted(result.id for result in results)
    assert Job.objects.count() == ReadyJob.objects.count() == 1_200
    assert {result.enqueued_at for result in results} == set(
        Job.objects.values_list("enqueued_at", flat=True)
    )
    claimed = worker.claim(limit=2_000)
    assert [job.args for job in claimed] == [f"[{n}]" for n in range(1_200)]


def test_many_share_the_options_of_their_task(db):
    later = tasks.echo.using(run_after=HOUR, queue_name="mail", metadata={"a": 1})
    results = later.enqueue_many([((1,), {}), ((), {"key": 2})])
    assert [whereabouts(result) for result in results] == [["DeferredJob"]] * 2
    assert list(
        Job.objects.order_by("pk").values_list("args", "kwargs", "metadata")
    ) == [
        ([1], {}, {"a": 1}),
        ([], {"key": 2}, {"a": 1}),
    ]
    assert {result.run_after for result in results} == {later.run_after}


def test_result_of_one_of_many_is_as_that_of_one(db):
    task = tasks.echo.using(metadata={"a": [1]}, run_after=HOUR, queue_name="mail")
    one = task.enqueue(1, key="b")
    first, second = task.enqueue_many([((1,), {"key": "b"}), ((1,), {"key": "b"})])
    own = {"id", "enqueued_at"}
    for field in dataclasses.fields(one):
        values = [getattr(each, field.name) for each in (one, first, second)]
        assert field.name in own or values == [values[0]] * 3, field.name
        # Nobody's change to one of them is seen in another.
        if isinstance(values[0], list | dict | set):
            assert values[1] is not values[2], field.name


def test_none_of_many_is_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert tasks.echo.enqueue_many([]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (((object(),), {}), r"^Unsupported type.* at call 2: args\[0\]"),
        (((), {"key": {1}}), r"call 2: kwargs\['key'\]"),
        (((1, 2, 3, 4), {}), r"^call 2: .*exact\(\) cannot be called so: too many"),
        (((), {}), r"^call 2: .*missing a required argument: 'first'"),
        (((1,), {"other": 1}), r"^call 2: .*unexpected keyword argument 'other'"),
        (((1,), {"first": 1}), r"^call 2: .*multiple values for argument 'first'"),
        ((("x" * 5_000_000,), {}), r"^call 2: args takes 5,000,004 bytes"),
        (5, r"^call 2: it is no pair of args and kwargs"),
        (None, r"^call 2: it is no pair of args and kwargs"),
        ((1,), r"^call 2: it is no pair of args and kwargs"),
        (((1,), {}, 3), r"^call 2: it is no pair of args and kwargs"),
        ((1, {}), r"^call 2: args must be a list or tuple, not int"),
        (("ab", {}), r"^call 2: args must be a list or tuple, not str"),
        (({"first": 1}, {}), r"^call 2: args must be a list or tuple, not dict"),
        (((1,), []), r"^call 2: kwargs must be a dict, not list"),
        (((1,), None), r"^call 2: kwargs must be a dict, not NoneType"),
    ],
)
def test_one_bad_call_among_many_is_named_and_none_is_enqueued(
    transactional_db, call, message
):
    good = ((1,), {})
    with transaction.atomic():
        with pytest.raises(TypeError, match=message):
            tasks.exact.enqueue_many([good, good, call, good])
        assert Job.objects.count() == ReadyJob.objects.count() == 0
        # The caller's transaction is as good as before.
        Effect.objects.create(key="after")
    assert Effect.objects.count() == 1


def test_calls_that_break_off_enqueue_nothing(transactional_db):
    def calls():
        yield (1,), {}
        raise RuntimeError("the file ended")

    with pytest.raises(RuntimeError, match="the file ended"):
        tasks.echo.enqueue_many(calls())
    assert Job.objects.count() == 0


def test_message_of_a_single_call_names_no_number(db):
    with pytest.raises(InvalidArguments, match=r"at args\[1\]"):
        tasks.echo.enqueue(1, object())
    with pytest.raises(TypeError, match=r"^tests\.lifecycle\.tasks\.exact\(\) cannot"):
        tasks.exact.enqueue()


@pytest.mark.parametrize(
    ("task", "args", "kwargs"),
    [
        (tasks.exact, (1,), {}),
        (tasks.exact, (1, "two"), {}),
        (tasks.exact, (1,), {"named": True}),
        (tasks.exact, (), {"first": 1, "second": "two", "named": True}),
        (tasks.must_be_named, (), {"key": 1}),
        (tasks.echo, (), {}),
        (tasks.echo, tuple(range(100)), {}),
        (tasks.do_with_context, ("name",), {}),
        (tasks.do_with_context, (), {"name": "name"}),
    ],
)
def test_arguments_that_fit_the_function_are_taken(db, task, args, kwargs):
    assert task.enqueue(*args, **kwargs).id


@pytest.mark.parametrize(
    ("task", "args", "kwargs"),
    [
        (tasks.exact, (), {}),
        (tasks.exact, (1, 2, 3), {}),
        (tasks.must_be_named, (1,), {}),
        (tasks.must_be_named, (), {}),
        (tasks.do_with_context, (), {}),
        (tasks.do_with_context, ("name", 2), {}),
        (tasks.do_with_context, ("name",), {"context": 1}),
    ],
)
def test_arguments_that_do_not_fit_are_refused(db, task, args, kwargs):
    with pytest.raises(TypeError, match="cannot be called so"):
        task.enqueue(*args, **kwargs)
    assert Job.objects.count() == 0


def test_payload_beyond_the_limit_is_refused_with_the_option_to_change(db, options):
    options(MAX_PAYLOAD=2_000)
    tasks.echo.enqueue("x" * 1_900)
    with pytest.raises(InvalidArguments, match=r"args takes 2,101 bytes.*MAX_PAYLOAD"):
        tasks.echo.enqueue("x" * 2_097)
    with pytest.raises(InvalidArguments, match=r"kwargs takes .*MAX_PAYLOAD"):
        tasks.echo.enqueue(key="x" * 2_000)
    with pytest.raises(InvalidArguments, match=r"metadata takes .*MAX_PAYLOAD"):
        tasks.echo.using(metadata={"key": "x" * 2_000}).enqueue()


def test_megabytes_within_the_limit_are_carried(worker, options):
    options(MAX_PAYLOAD=20 * 1024 * 1024)
    text = "é" * 3_000_000
    result = tasks.echo.enqueue(text)
    assert worker.run_result(result).return_value == [text]


@pytest.mark.parametrize("bad", [{"a": object()}, {1: 2}, {"a": float("nan")}])
def test_metadata_that_is_no_json_is_refused_by_name(db, bad):
    with pytest.raises(InvalidArguments, match="metadata"):
        tasks.echo.using(metadata=bad).enqueue()
    assert Job.objects.count() == 0


def test_later_changes_of_the_arguments_do_not_reach_the_job(worker):
    argument = {"list": [1]}
    result = tasks.echo.enqueue(argument)
    argument["list"].append(2)
    assert result.args == [{"list": [1]}]
    assert worker.run_result(result).return_value == [{"list": [1]}]


def test_queue_name_longer_than_its_column_is_refused(db, options):
    options()
    tasks.echo.using(queue_name="q" * 128).enqueue()
    with pytest.raises(InvalidTask, match="over 128 long"):
        tasks.echo.using(queue_name="q" * 129).enqueue()


def test_workers_are_told_once_for_a_transaction(transactional_db):
    with transaction.atomic():
        for _ in range(3):
            tasks.echo.enqueue()
        assert len(connection.run_on_commit) == 1
        tasks.echo.using(run_after=HOUR).enqueue()
        assert len(connection.run_on_commit) == 2


def test_workers_are_told_once_although_every_enqueue_has_a_block_of_its_own(
    transactional_db,
):
    with transaction.atomic():
        for _ in range(3):
            with transaction.atomic():
                tasks.echo.enqueue()
        tasks.echo.enqueue()
        assert len(connection.run_on_commit) == 1


def test_workers_are_told_although_the_block_around_was_rolled_back_in_part(
    transactional_db,
):
    with transaction.atomic():
        with transaction.atomic():
            with transaction.atomic():
                tasks.echo.enqueue()
            tasks.echo.enqueue()
            transaction.set_rollback(True)
        assert connection.run_on_commit == []
        tasks.echo.enqueue()
        assert len(connection.run_on_commit) == 1


def test_workers_are_told_although_an_inner_block_was_rolled_back(transactional_db):
    with transaction.atomic():
        with transaction.atomic():
            tasks.echo.enqueue()
            transaction.set_rollback(True)
        tasks.echo.enqueue()
        assert len(connection.run_on_commit) == 1
        with transaction.atomic():
            tasks.echo.enqueue()
            transaction.set_rollback(True)
        assert len(connection.run_on_commit) == 1


def test_workers_that_cannot_be_told_keep_no_job_from_being_enqueued(
    transactional_db, monkeypatch, caplog
):
    def fail(self, channel, message):
        raise ConnectionError("the pooler is gone")

    monkeypatch.setattr(type(vendor_of(connection)), "notify", fail)
    result = tasks.echo.enqueue()
    assert whereabouts(result) == ["ReadyJob"]
    assert "The workers could not be told of new jobs." in caplog.text


def hears(watcher, vendor):
    watcher.tend(lambda token: vendor.notify(CHANNEL, token))
    return watcher.stirred() and watcher.hears


@pytest.mark.only_on("postgresql")
def test_workers_hear_of_a_job_once_it_is_committed(transactional_db):
    vendor = vendor_of(connection)
    watcher = vendor.watch(CHANNEL, True)
    try:
        eventually(lambda: hears(watcher, vendor), "the watcher to hear")
        eventually(lambda: not watcher.stirred(), "rest")
        watcher.messages.clear()
        with transaction.atomic():
            tasks.echo.enqueue()
            transaction.set_rollback(True)
        with transaction.atomic():
            tasks.echo.using(run_after=HOUR).enqueue()
        eventually(lambda: watcher.stirred() and watcher.messages, "the message")
        assert watcher.messages == {"deferred"}
    finally:
        watcher.close()


def test_job_is_part_of_a_transaction_that_the_caller_manages_by_hand(
    transactional_db,
):
    transaction.set_autocommit(False)
    try:
        tasks.echo.enqueue(1)
        transaction.rollback()
        tasks.echo.enqueue(2)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert list(Job.objects.values_list("args", flat=True)) == [[2]]
