"""How many stories are tried, and how long they are."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

THOROUGH = os.environ.get("BGTASKS_THOROUGH", "") not in ("", "0")
PROFILE = settings(
    max_examples=int(os.environ.get("BGTASKS_EXAMPLES") or (400 if THOROUGH else 8)),
    stateful_step_count=80 if THOROUGH else 40,
    # The same ones each time, unless there is time for more.
    derandomize=not THOROUGH,
    # To explain a failure takes longer than to find it.
    phases=[Phase.generate, Phase.shrink],
    print_blob=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SECONDS = 3600 if THOROUGH else 300
