"""A traceback as lines that tell one's own code from that of libraries. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# More lines than these are left out of the middle.
MOST_LINES = 1_000
_FRAME = re.compile(r'\s*File "(?P<file>.*)", line (?P<line>\d+)(?:, in (?P<name>.*))?')
_LIBRARY = re.compile(
    r"[/\\](?:site-packages|dist-packages|lib[/\\]python\d[\d.]*)[/\\]|^<|^<frozen",
    re.IGNORECASE,
)
_START = "Traceback (most recent call last):"


@dataclass(frozen=True, slots=True)
class Line:
    """A line and what it is: start, frame, code, error or gap.

    Of a frame, ``file``, ``number`` and ``name`` say where. ``library`` is true of
    frames, and the code below them, that are not the project's own.
    """

    text: str
    kind: str
    library: bool = False
    file: str = ""
    number: str = ""
    name: str = ""


def read_traceback(text: str, most: int = MOST_LINES) -> list[Line]:
    """Divide a traceback into its lines, or into the first and the last of them."""
    lines = list(_lines(text))
    if len(lines) <= most:
        return lines
    first, last = most // 4, most - most // 4
    gap = Line(str(len(lines) - first - last), "gap")
    return [*lines[:first], gap, *lines[-last:]]


def _lines(text: str) -> Iterator[Line]:
    library = within = False
    for line in text.splitlines():
        frame = _FRAME.fullmatch(line)
        if frame:
            library, within = bool(_LIBRARY.search(frame["file"])), True
            yield Line(
                line,
                "frame",
                library,
                frame["file"],
                frame["line"],
                frame["name"] or "",
            )
        elif line.strip() == _START or line.lstrip("| +-").startswith(_START):
            within = False
            yield Line(line, "start")
        elif within and line.startswith((" ", "|")):
            yield Line(line, "code", library)
        elif line.strip():
            within = False
            yield Line(line, "error")
        else:
            yield Line(line, "code")
