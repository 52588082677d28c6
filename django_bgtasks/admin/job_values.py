"""The values of a job as text: cut where they are long, and whole to download."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ..overview.details import JobDetails
from ..payload import printable

MOST_CHARACTERS = 10_000
NAMES = ("args", "kwargs", "metadata", "return_value")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as JSON for people. Of a long one, ``left_out`` characters are not
    shown."""

    name: str
    text: str
    left_out: int = 0


def print_json(value: Any) -> str:
    return printable(json.dumps(value, indent=2, ensure_ascii=False))


def shown(job: JobDetails, name: str) -> Value:
    """Return a value of a job as its page shows it."""
    text = print_json(getattr(job, name))
    if len(text) <= MOST_CHARACTERS:
        return Value(name, text)
    return Value(name, text[:MOST_CHARACTERS], len(text) - MOST_CHARACTERS)


def has(job: JobDetails, name: str) -> bool:
    """Whether a job has such a value at all."""
    if name == "return_value":
        return job.state == "succeeded"
    return name in ("args", "kwargs") or bool(job.metadata)
