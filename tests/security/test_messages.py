"""What is said to workers, and what is said about values that were refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.acceptance.conftest import start  # noqa: F401
from tests.acceptance.workers import Start, await_finished, unfinished
from tests.testapp.models import Effect
from tests.testapp.tasks import record, sign_in

CHANNEL = "django_bgtasks"
NOISE = (
    *("", "job", "deferred", "cancel", "anything", "x" * 7_000, "f" * 32, "\n", "é"),
    *("os.system('touch /tmp/x')", "tests.testapp.tasks.record", '{"task": "record"}'),
    *("'; DROP TABLE django_bgtasks_job; --", "{{ 7 }}", "%s"),
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.only_on("postgresql")
def test_notify_wakes_workers_and_does_nothing_else(start: Start) -> None:  # noqa: F811
    worker = start("--threads", 1)
    await_finished([record.enqueue("first")])
    process = worker.process()
    with connection.cursor() as cursor:
        for text in NOISE * 20:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
    await_finished([record.enqueue("second")])
    assert worker.process().pid == process.pid
    assert sorted(Effect.objects.values_list("key", flat=True)) == ["first", "second"]
    assert unfinished() == 0
    assert worker.stop() == 0
    assert "Traceback" not in worker.output


@pytest.mark.django_db
@pytest.mark.parametrize(
    "bad", ["hunter2\0", {"a": {"hunter2"}}, ["hunter2", 1j], b"hunter2\xff"]
)
def test_refusal_of_a_sensitive_value_does_not_tell_it(bad: Any) -> None:
    for call in (
        lambda: sign_in.enqueue("me", bad),
        lambda: sign_in.enqueue("me", password=bad),
        lambda: sign_in.enqueue("me", "hunter2", "hunter2", "hunter2"),
        lambda: sign_in.enqueue("me", password="hunter2", nobody="hunter2"),
        lambda: sign_in.using(metadata={"password": bad}).enqueue("me", "x"),
    ):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            call()
        assert "hunter2" not in str(raised.value)
