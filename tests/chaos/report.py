"""What is told of runs: a table, and each broken promise in words.

``torn`` are attempts that never ended or met an error, ``hit`` the share of attempts
that a fault may have torn: only of the others is it told that they were repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .figure import Figure
from .ledger import Account

_MOST_PROBLEMS = 12
_HEAD = (
    f"{'vendor':<11}{'fault':<19}{'blows':>6}{'jobs':>8}{'runs':>8}"
    f"{'again':>7}{'torn':>7}{'hit':>6}{'unknown':>9}{'within':>9}{'lost':>6}{'doubled':>9}"
    f"{'ghosts':>8}{'unexpl.':>9}{'disorder':>10}"
)
_BAR = f"{'the bar':<90}{0:>6}{0:>9}{0:>8}{0:>9}{0:>10}"


@dataclass
class Row:
    vendor: str
    fault: str
    blows: int = 0
    jobs: int = 0
    runs: int = 0
    repeats: int = 0
    torn: int = 0
    # Of a hundred attempts.
    hit: int = 0
    unknown: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    outcomes: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    # What was measured, each in words, and whether its bar was held.
    figures: list[tuple[str, str, bool]] = field(default_factory=list)
    # Why it did not take place.
    skipped: str = ""

    @classmethod
    def of(cls, vendor: str, fault: str, account: Account, seconds: float) -> Row:
        kinds = ("lost", "doubled", "ghosts", "unexplained", "disorder")
        return cls(
            vendor,
            fault,
            account.blows,
            account.jobs,
            account.runs,
            account.repeats,
            account.torn,
            round(100 * account.excused / max(1, account.runs)),
            account.unknown,
            account.slowest,
            seconds,
            dict(account.outcomes),
            {kind: len(getattr(account, kind)) for kind in kinds},
            account.problems,
        )

    def judge(self, figures: Iterable[Figure], *, timed: bool) -> None:
        """Add figures; one over its bar breaks a promise, a time only if ``timed``."""
        for figure in figures:
            self.figures.append((figure.name, str(figure), figure.is_held))
            if not figure.is_held and (timed or not figure.is_time):
                self.problems.append(f"{figure.name}: {figure}")

    def save(self, path: Path) -> None:
        with path.open("a") as file:
            file.write(f"{json.dumps(asdict(self))}\n")

    @staticmethod
    def load(path: Path) -> list[Row]:
        if not path.exists():
            return []
        return [Row(**json.loads(line)) for line in path.read_text().splitlines()]

    def __str__(self) -> str:
        name = f"{self.vendor:<11}{self.fault:<19}"
        if self.skipped:
            return f"{name}skipped: {self.skipped}"
        sums = (
            f"{self.blows:>6}{self.jobs:>8}{self.runs:>8}{self.repeats:>7}"
            f"{self.torn:>7}{self.hit:>4} %{self.unknown:>9}{self.slowest:>7.1f} s"
            f"{self._count('lost'):>6}{self._count('doubled'):>9}"
            f"{self._count('ghosts'):>8}{self._count('unexplained'):>9}"
            f"{self._count('disorder'):>10}"
        )
        return f"{name}{sums}   {self.seconds:.0f} s"

    def _count(self, kind: str) -> int:
        return self.counts.get(kind, 0)


def verdict(rows: list[Row], seed: int, directory: Path) -> str:
    """The whole of it, in the end."""
    lines = ["", _HEAD, *map(str, rows), _BAR, ""]
    for row in rows:
        for name, words, is_held in row.figures:
            end = "" if is_held else "  (not held)"
            lines.append(f"{row.vendor:<11}{row.fault:<19}{name}: {words}{end}")
    for row in rows:
        some = row.problems[:_MOST_PROBLEMS]
        lines += [f"{row.vendor} {row.fault}: {problem}" for problem in some]
        if left := row.problems[_MOST_PROBLEMS:]:
            lines.append(f"{row.vendor} {row.fault}: and {len(left)} more")
    broken = sum(bool(row.problems) for row in rows)
    lines.append(f"seed {seed}; journals and logs: {directory}")
    lines.append(
        f"{broken} of {len(rows)} runs broke a promise." if broken else "Held."
    )
    return "\n".join(lines) + "\n"
