"""For the tests of projects: run what was enqueued, and look at it.

``run_pending`` runs all due jobs in the test's own thread and transaction, the
way a worker does. ``InlineBackend`` runs each job as it is enqueued.
``assert_enqueued``, ``assert_not_enqueued``, ``enqueued`` and ``capture_enqueued``
tell what was enqueued. ``BgTasksMixin`` offers all of it to a TestCase, and the
fixture ``bgtasks`` to pytest.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asserts import (
        assert_enqueued,
        assert_not_enqueued,
        capture_enqueued,
        enqueued,
    )
    from .inline import InlineBackend
    from .mixin import BgTasksMixin
    from .pending import arun_pending, run_pending

__all__ = [
    "BgTasksMixin",
    "InlineBackend",
    "arun_pending",
    "assert_enqueued",
    "assert_not_enqueued",
    "capture_enqueued",
    "enqueued",
    "run_pending",
]

_HOMES = {
    "asserts": (
        "assert_enqueued",
        "assert_not_enqueued",
        "capture_enqueued",
        "enqueued",
    ),
    "inline": ("InlineBackend",),
    "mixin": ("BgTasksMixin",),
    "pending": ("arun_pending", "run_pending"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    # Lazily: settings.TASKS may name InlineBackend, which Django then imports before
    # the apps are ready.
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
