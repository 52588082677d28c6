"""What a command says: columns for people, JSON for machines, and progress."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ..log import one_line
from ..overview.counts import Count

_BAR = 30
# What tells a terminal to do something, but for line breaks and tabs.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Console:
    """Where a command writes to, and whom it asks."""

    def __init__(self, command: BaseCommand) -> None:
        self._out = command.stdout
        self._err = command.stderr
        self._style = command.style

    def line(self, text: str = "") -> None:
        self._out.write(_harmless(text))

    def heading(self, text: str) -> None:
        self._out.write(self._style.MIGRATE_HEADING(one_line(text)))

    def json(self, data: Any) -> None:
        text = json.dumps(data, default=_plain, indent=2, ensure_ascii=False)
        self._out.write(_harmless(text))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write rows in columns; numbers to the right."""
        texts = [[one_line(_text(value)) for value in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(headers, *texts, strict=True)]
        right = [
            bool(rows) and all(_is_number(value) for value in column)
            for column in (zip(*rows, strict=True) if rows else [()] * len(headers))
        ]

        def aligned(cells: Sequence[str]) -> str:
            return "  ".join(
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(cells, widths, right, strict=True)
            ).rstrip()

        self._out.write(self._style.MIGRATE_HEADING(aligned(headers)))
        for cells in texts:
            self._out.write(aligned(cells))

    def confirm(self, question: str) -> None:
        """Ask, and raise CommandError unless the answer is yes."""
        try:
            answer = input(f"{question} [y/N] ")
        except EOFError:
            raise CommandError(
                f"{question} There is nobody to ask: pass --no-input to go ahead."
            ) from None
        if answer.strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was done.")

    @contextmanager
    def progress(self, label: str, total: Count) -> Iterator[Callable[[int], None]]:
        """Yield what is to be told of each step, and draw a bar on a terminal."""
        done = 0
        shown = self._err.isatty()

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            share = min(1.0, done / total.number) if total.number else 1.0
            bar = ("#" * round(_BAR * share)).ljust(_BAR, ".")
            if shown:
                self._err.write(f"\r{label} [{bar}] {done} of {total}", ending="")
                self._err.flush()

        try:
            yield advance
        finally:
            if shown and done:
                self._err.write("")


def length(value: timedelta | None) -> str:
    """Write a length of time in its two greatest units."""
    if value is None:
        return ""
    seconds = value.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number:.0f} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def moment(value: datetime | None) -> str:
    """Write a moment in the current time zone, to the second."""
    if value is None:
        return ""
    if timezone.is_aware(value):
        value = timezone.localtime(value)
    return value.strftime("%Y-%m-%d %H:%M:%S")


def jobs(number: int | Count) -> str:
    """Write a number of jobs."""
    return "1 job" if str(number) == "1" else f"{number} jobs"


def _harmless(text: str) -> str:
    """Spell out, as in JSON, what somebody put into a row to steer a terminal."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return length(value)
    if isinstance(value, float):
        return f"{value:.1f}"
    return "" if value is None else str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Count, timedelta)) or value is None


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return round(value.total_seconds(), 3)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
