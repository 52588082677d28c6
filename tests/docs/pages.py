"""The documentation as text: its pages, their tables and their blocks of code."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if "_build" not in path.parts
)
_FENCE = re.compile(
    r"^```(?:\{code-block\} )?(\w+)\n(?::caption: ([^\n]*)\n\n)?(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def read(page: str) -> str:
    return (DOCS / page).read_text()


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level."""
    marks = heading.partition(" ")[0]
    _, found, rest = read(page).partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}."
    return re.split(rf"^#{{1,{len(marks)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of all tables in a text, without their headings."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
        for line in table.splitlines()[2:]
    ]


def codes(cell: str) -> list[str]:
    """Return what is marked as code."""
    return re.findall(r"`([^`]+)`", cell)


def places(text: str) -> list[str]:
    """Return the tests that a text names: ``tests/a``, or ``tests/b.py::test_c``."""
    return re.findall(r"`(tests/[^`\s]+)`", text)


def is_there(test: str) -> bool:
    """Tell whether a test that is named is there, or one at least of its place."""
    path, _, name = test.partition("::")
    found = ROOT / path
    files = [found] if found.is_file() else [*found.glob("test_*.py")]
    wanted = rf"^(async )?def {name or 'test_'}" + (r"\b" if name else "")
    return any(re.search(wanted, each.read_text(), re.MULTILINE) for each in files)


def blocks(page: str, language: str) -> list[tuple[str, str]]:
    """Return the caption, or "", and the text of each block in a language."""
    return [
        (caption, text)
        for found, caption, text in _FENCE.findall(read(page))
        if found == language
    ]
