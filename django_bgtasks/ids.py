"""Job ids: UUID version 7 (RFC 9562 section 5.7), made by the client.

Time-ordered, so that an index grows at its right edge; known before the
INSERT; unique across databases.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new id, greater than each one made before it in this process."""
    global _last
    # 48 bits of milliseconds and 12 bits of the millisecond's fraction (RFC 9562
    # section 6.2, method 3); a tie within the process takes the next fraction.
    nanoseconds = time.time_ns()
    milliseconds, rest = divmod(nanoseconds, 1_000_000)
    stamp = (milliseconds << 12) | (rest << 12) // 1_000_000
    with _lock:
        stamp = _last = stamp if stamp > _last else _last + 1
    random = int.from_bytes(os.urandom(8), "big") >> 2
    high = (stamp >> 12) << 80
    low = (stamp & 0xFFF) << 64
    return UUID(int=high | _VERSION | low | _VARIANT | random)


def uuid7_floor(moment: datetime) -> UUID:
    """Return an id that is not greater than any made at or after ``moment``.

    It is aware. The id is one of version 7 itself, because MariaDB orders
    those of other versions by other bytes.
    """
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | _VERSION | _VARIANT)
