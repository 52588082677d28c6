"""How long to wait before the next attempt.

A backoff is any callable ``(exception, task_result) -> seconds | timedelta |
None``; None means: no further attempt. These two make the common ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

Backoff = Callable[[BaseException, Any], "float | timedelta | None"]

# Beyond this the power exceeds every sensible maximum and would overflow.
_MAX_POWER = 64


@dataclass(frozen=True, slots=True)
class exponential:  # noqa: N801 (reads as a function where it is used)
    """Wait ``initial`` seconds, then ``factor`` times as long at each attempt.

    Never longer than ``maximum`` seconds. ``jitter`` spreads each delay by that
    share in both directions, so that jobs that failed together do not return
    together.
    """

    initial: float = 1.0
    factor: float = 2.0
    maximum: float = 3600.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        _require_positive("exponential", initial=self.initial, maximum=self.maximum)
        _require_number("exponential", factor=self.factor)
        if not self.factor >= 1:
            raise ValueError("exponential(factor=...) must be 1 or more.")
        _require_share("exponential", self.jitter)

    def __call__(self, exception: BaseException, task_result: Any) -> float:
        power = min(max(task_result.attempts, 1) - 1, _MAX_POWER)
        try:
            delay = self.initial * self.factor**power
        except OverflowError:
            delay = self.maximum
        return _spread(min(delay, self.maximum), self.jitter, self.maximum)


@dataclass(frozen=True, slots=True)
class linear:  # noqa: N801 (reads as a function where it is used)
    """Wait ``step`` seconds after the first attempt, twice that after the second.

    Never longer than ``maximum`` seconds; ``jitter`` as in ``exponential``.
    """

    step: float = 10.0
    maximum: float = 3600.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        _require_positive("linear", step=self.step, maximum=self.maximum)
        _require_share("linear", self.jitter)

    def __call__(self, exception: BaseException, task_result: Any) -> float:
        delay = min(self.step * max(task_result.attempts, 1), self.maximum)
        return _spread(delay, self.jitter, self.maximum)


def _spread(delay: float, jitter: float, maximum: float) -> float:
    if not jitter:
        return delay
    return min(delay * random.uniform(1 - jitter, 1 + jitter), maximum)


def _require_number(name: str, **values: float) -> None:
    for argument, value in values.items():
        if type(value) is bool or not isinstance(value, (int, float)):
            raise TypeError(f"{name}({argument}=...) takes a number, not {value!r}.")


def _require_positive(name: str, **values: float) -> None:
    _require_number(name, **values)
    for argument, value in values.items():
        if not value > 0:
            raise ValueError(f"{name}({argument}=...) must be more than 0 seconds.")


def _require_share(name: str, jitter: float) -> None:
    _require_number(name, jitter=jitter)
    if not 0 <= jitter <= 1:
        raise ValueError(f"{name}(jitter=...) must lie between 0 and 1.")
