"""What is measured, and in which databases."""

from __future__ import annotations

# Names of databases, with how many jobs wait, have finished, are deferred.
SIZES = {
    "1k": ("1 thousand waiting", (1_000, 0, 0)),
    "1m": ("1 million waiting", (1_000_000, 0, 0)),
    "10m": ("10 million waiting", (10_000_000, 0, 0)),
    "fin": ("10 million finished", (1_000, 10_000_000, 0)),
    "def": ("1 million deferred", (1_000, 0, 1_000_000)),
}
PARTS = {
    "sizes": "a claim and an enqueue beside millions of other jobs",
    "queues": "1 to 1,000 queues",
    "snapshot": "a view of the past held open under a steady load",
    "enqueuers": "1 to 64 who enqueue at once",
    "workers": "1 to 16 worker processes",
}
STEPS = {
    "queues": (1, 10, 100, 1_000),
    "enqueuers": (1, 2, 4, 8, 16, 32, 64),
    "workers": (1, 2, 4, 8, 16),
}
