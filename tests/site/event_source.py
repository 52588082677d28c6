"""A reader of server-sent events over HTTP, as a browser's EventSource is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

_SECONDS = 30


@dataclass
class Event:
    id: str = ""
    kind: str = "message"
    text: str = ""
    retry: int | None = None

    @property
    def data(self) -> Any:
        return json.loads(self.text)


class Gone(Exception):
    """The server said that there is no need to come again."""


class EventSource:
    """Reads until it is closed, and comes again when an answer has ended."""

    def __init__(self, place: str, path: str) -> None:
        self._place, self._path = place, path
        self._connection: HTTPConnection | None = None
        self.last_id = ""
        self.answers = 0
        self.headers: dict[str, str] = {}

    def __iter__(self) -> Iterator[Event]:
        while True:
            with self._ask() as answer:
                yield from self._events(answer)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _ask(self) -> HTTPResponse:
        self.close()
        self._connection = HTTPConnection(self._place, timeout=_SECONDS)
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip"}
        if self.last_id:
            headers["Last-Event-ID"] = self.last_id
        self._connection.request("GET", self._path, headers=headers)
        answer = self._connection.getresponse()
        self.answers += 1
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        if answer.status == 204:
            raise Gone
        assert answer.status == 200, answer.read()
        assert self.headers["content-type"] == "text/event-stream"
        return answer

    def _events(self, answer: HTTPResponse) -> Iterator[Event]:
        event = Event()
        while line := answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event.id = value
            elif name == "event":
                event.kind = value
            elif name == "data":
                event.text += value
            elif name == "retry":
                event.retry = int(value)
            elif not line.strip():
                if event.text:
                    self.last_id = event.id or self.last_id
                    yield event
                event = Event()
