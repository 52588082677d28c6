"""What is sampled, in which unit, and by how much it may grow while it is judged."""

from __future__ import annotations

from math import inf

from .judge import Bar

MEGABYTE = 1024.0 * 1024.0
BARS = {
    # What a process has for itself: neither shared libraries nor a server's buffers
    # that it has come to touch.
    "memory": ("MB", Bar(0.02)),
    "descriptors": ("", Bar(0.0, floor=1.0)),
    "threads": ("", Bar(0.0, floor=1.0)),
    "connections": ("", Bar(0.0, floor=1.0)),
    # Space that vacuum has freed is filled again, but never evenly.
    "tables": ("MB", Bar(0.10)),
    "table": ("MB", Bar(0.10, floor=1.0)),
    "index": ("MB", Bar(0.10, floor=1.0)),
    "rows": ("", Bar(0.10, floor=100.0)),
    "dead": ("", Bar(0.25, floor=3000.0)),
    "wait p50": ("ms", Bar(0.25, floor=2.0)),
    "wait p99": ("ms", Bar(0.50, floor=50.0)),
    # How much of the machine was in use, by whomever.
    "machine": ("", Bar(inf)),
    # Kept for hours by design; see ``run``.
    "figures": ("", Bar(inf)),
}
