"""What a stream says and when, without a database and without waiting."""

from __future__ import annotations

import json
from typing import Any

import pytest

from django_bgtasks.site.feed import HEARTBEAT, Feed, event_id

pytestmark = pytest.mark.once

READY = {"state": "ready", "finished": False}
RUNNING = {"state": "running", "finished": False}
DONE = {"state": "succeeded", "finished": True}


def fields(text: str) -> dict[str, str]:
    assert text.endswith("\n\n")
    return dict(line.split(": ", 1) for line in text.strip().splitlines())


def feed(last_id: str = "", ends_at: float = 25) -> Feed:
    return Feed(last_id, ends_at, now=0)


def test_change_is_said_once() -> None:
    stream = feed()
    first = fields(stream.news(READY, 0))
    assert (first["event"], json.loads(first["data"])) == ("status", READY)
    assert stream.news(READY, 1) == ""
    second = fields(stream.news(RUNNING, 2))
    assert json.loads(second["data"]) == RUNNING
    assert second["id"] != first["id"]
    assert not stream.ended


def test_end_of_the_job_ends_the_stream() -> None:
    stream = feed()
    last = fields(stream.news(DONE, 0))
    assert (last["event"], json.loads(last["data"])) == ("finished", DONE)
    assert stream.ended


def test_reader_that_comes_again_is_told_only_what_is_new() -> None:
    known = fields(feed().news(READY, 0))["id"]
    assert known == event_id(READY)
    stream = feed(known)
    assert stream.news(READY, 0) == ""
    assert fields(stream.news(RUNNING, 1))["event"] == "status"


@pytest.mark.parametrize("last_id", ["nonsense", "\n", "ü", "x" * 5000])
def test_last_id_that_is_none_of_ours_tells_nothing(last_id: str) -> None:
    assert fields(feed(last_id).news(READY, 0))["event"] == "status"


def test_silence_is_broken_now_and_then() -> None:
    stream = feed(ends_at=1000)
    stream.news(READY, 0)
    assert stream.news(READY, HEARTBEAT - 1) == ""
    assert stream.news(READY, HEARTBEAT) == ":\n\n"
    assert stream.news(READY, HEARTBEAT + 1) == ""
    assert fields(stream.news(RUNNING, HEARTBEAT + 2))["event"] == "status"
    assert stream.news(RUNNING, 2 * HEARTBEAT + 1) == ""


def test_stream_ends_in_time_without_a_word() -> None:
    stream = feed(ends_at=25)
    stream.news(READY, 24)
    assert not stream.ended
    assert stream.news(READY, 25) == ""
    assert stream.ended


def test_job_that_vanishes_ends_the_stream() -> None:
    stream = feed()
    assert fields(stream.news(None, 1))["event"] == "gone"
    assert stream.ended


def test_reader_is_told_when_to_come_again() -> None:
    assert feed().opening() == "retry: 1000\n\n"


@pytest.mark.parametrize("value", ["a\nb\r\ndata: x", "\u2028", {"a": ["\n\n"]}])
def test_no_value_breaks_out_of_its_event(value: Any) -> None:
    text = feed().news({**DONE, "return_value": value}, 0)
    assert text.count("\n\n") == 1
    assert json.loads(fields(text)["data"])["return_value"] == value
