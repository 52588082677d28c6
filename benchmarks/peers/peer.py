"""What is known of another queue before its interpreter runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Command = tuple[str, ...]
IN_DATABASE = frozenset({"enqueue", "enqueue-many", "enqueue-transaction"})


@dataclass(frozen=True, slots=True)
class Peer:
    """Another queue, as its own manual says it is at its best."""

    name: str
    # What it is called in tables.
    title: str
    # The module in this package that its interpreter imports.
    module: str
    # What pip installs, into an environment that all of the module share.
    requires: Sequence[str]
    # The configuration that was chosen, and why; for the documentation.
    about: str
    # The worker commands of each part: `python -m` and these arguments.
    workers: Mapping[str, Sequence[Command]]
    # Other parts that it can take.
    parts: frozenset[str] = frozenset({"enqueue", "enqueue-many"})
    # What it is measured beside: ours on this vendor.
    vendor: str = "postgresql"
    # Names of the servers' processes, beside PostgreSQL's.
    servers: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    # What is added to it for the workers of a part.
    varying: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # How many jobs are enough to tell its speed; more would only take long.
    jobs: int = 3_000

    def can(self, part: str) -> bool:
        return part in self.workers or part in self.parts
