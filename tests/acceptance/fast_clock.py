"""A database's clock that runs fast, the same in every process that installs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from django_bgtasks.vendors import vendor_of


@dataclass(frozen=True)
class FastClock:
    """At ``began``, in seconds of this host, it was ``start``, by ISO 8601."""

    start: str
    began: float
    speed: float

    def now(self) -> datetime:
        passed = (time.time() - self.began) * self.speed
        start = datetime.fromisoformat(self.start).astimezone(UTC)
        return start + timedelta(seconds=passed)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    def install(self) -> Callable[[], None]:
        """Have the vendor of this process read this clock; return how to undo it."""
        kind = type(vendor_of(connection))
        original = kind.now
        kind.now = lambda vendor: self.now()  # type: ignore[method-assign]

        def undo() -> None:
            kind.now = original  # type: ignore[method-assign]

        return undo
