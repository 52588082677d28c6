from __future__ import annotations

from .asserts import assert_enqueued, assert_not_enqueued, capture_enqueued, enqueued
from .pending import arun_pending, run_pending


class BgTasksMixin:
    """The functions of this package, as methods for a TestCase."""

    run_pending = staticmethod(run_pending)
    arun_pending = staticmethod(arun_pending)
    enqueued = staticmethod(enqueued)
    capture_enqueued = staticmethod(capture_enqueued)
    assert_enqueued = staticmethod(assert_enqueued)
    assert_not_enqueued = staticmethod(assert_not_enqueued)
