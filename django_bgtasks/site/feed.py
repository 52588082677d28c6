"""What a stream of server-sent events says, and when: pure, it is told the time."""

from __future__ import annotations

import json
from hashlib import blake2s
from typing import Any

# Milliseconds after which a browser comes again when a stream has ended.
RETRY = 1000
# Seconds of silence after which a comment is sent: so that nothing on the way
# closes the stream, and that the server notices when nobody listens any more.
HEARTBEAT = 10.0
_HEARTBEAT_TEXT = ":\n\n"
# The kinds of events; after one of the last two there is no other.
STATUS, FINISHED, GONE = EVENTS = ("status", "finished", "gone")


class Feed:
    """One answer of the stream: says only what is new to its reader."""

    def __init__(self, last_id: str, ends_at: float, now: float) -> None:
        self._last_id = last_id
        self._ends_at = ends_at
        self._said_at = now
        self.ended = False

    def opening(self) -> str:
        """Return what comes first, so that the reader knows it was heard."""
        return f"retry: {RETRY}\n\n"

    def news(self, told: dict[str, Any] | None, now: float) -> str:
        """Return what to send of a job as it is now; None means that it is gone."""
        text = self._event(told)
        self.ended = told is None or told["finished"] or now >= self._ends_at
        if not text and now - self._said_at >= HEARTBEAT:
            text = _HEARTBEAT_TEXT
        if text:
            self._said_at = now
        return text

    def _event(self, told: dict[str, Any] | None) -> str:
        if told is None:
            return f"event: {GONE}\ndata: {{}}\n\n"
        name = event_id(told)
        if name == self._last_id:
            return ""
        self._last_id = name
        kind = FINISHED if told["finished"] else STATUS
        return f"id: {name}\nevent: {kind}\ndata: {json.dumps(told)}\n\n"


def event_id(told: dict[str, Any]) -> str:
    """Return an id that is the same for the same content, on every server."""
    return blake2s(json.dumps(told).encode(), digest_size=8).hexdigest()
