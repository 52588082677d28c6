"""How far the search goes: some seconds for every change, all of it now and then."""

from __future__ import annotations

import os

# Set to 1 by `make thorough`.
THOROUGH = os.environ.get("BGTASKS_THOROUGH", "") not in ("", "0")
# Orders of a scene that are played; and of one that has more, so many by chance.
MOST = 20_000 if THOROUGH else 24
BY_CHANCE = 1_000 if THOROUGH else 6
SEED = int(os.environ.get("BGTASKS_SEED", "1"))
