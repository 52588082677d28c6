"""Job ids: UUID version 7 (RFC 9562 section 5.7), made by the client.

Time-ordered, so that an index grows at its right edge; known before the
INSERT; unique across databases.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime
from struct import unpack
from uuid import UUID

_VARIANT = 0b10 << 62
_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Return a new id, greater than each one made before it in this process."""
    return UUID(hex=new_ids(1)[0])


def dashed(digits: str) -> str:
    """Return the 32 hexadecimal digits of an id as people write it: ``str(UUID)``."""
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def new_ids(count: int) -> list[str]:
    """Return new ids in 32 hexadecimal digits each, every one greater than the last."""
    global _last
    # 48 bits of milliseconds and 12 bits of the millisecond's fraction (RFC 9562
    # section 6.2, method 3); a tie within the process takes the next fraction.
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    stamp = (milliseconds << 12) | (rest << 12) // 1_000_000
    with _lock:
        first = stamp if stamp > _last else _last + 1
        _last = first + count - 1
    noise = unpack(f">{count}Q", os.urandom(8 * count))
    return [
        f"{(stamp >> 12) << 16 | 0x7000 | stamp & 0xFFF:016x}"
        f"{random >> 2 | _VARIANT:016x}"
        for stamp, random in enumerate(noise, first)
    ]


def uuid7_floor(moment: datetime) -> UUID:
    """Return an id that is not greater than any made at or after ``moment``.

    It is aware. The id is one of version 7 itself, because MariaDB orders
    those of other versions by other bytes.
    """
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80 | 0x7 << 76 | _VARIANT)
