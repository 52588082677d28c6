from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..figures import Figure
from ..subjects import Subject


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is to be measured."""

    jobs: int


@dataclass(frozen=True, slots=True)
class Part:
    """A measurement: takes one sample of a subject each time it is called."""

    name: str
    about: str
    sample: Callable[[Subject, Plan], list[Figure]]
    # The vendors it makes sense for; all where this is empty.
    vendors: frozenset[str] = frozenset()

    def suits(self, vendor: str) -> bool:
        return not self.vendors or vendor in self.vendors
