"""What is told of a soak, in the end."""

from __future__ import annotations

from .judge import Finding

_HEAD = f"{'':<46}{'at first':>11}{'at last':>11}{'change':>10}{'bar':>9}"


def table(findings: list[Finding]) -> str:
    """A line for each finding; tables and indexes that are small are left out."""
    told = [each for each in findings if not each.held or _is_told(each)]
    left_out = len(findings) - len(told)
    lines = [_HEAD, *map(_line, told)]
    if left_out:
        lines.append(f"{left_out} more tables, indexes and counts of rows held too.")
    return "\n".join(lines)


def verdict(
    findings: list[Finding], problems: list[str], counted: str, busy: float
) -> str:
    lines = ["", table(findings), "", counted, f"{busy:.0%} of a core was used."]
    lines += [f"Broken: {problem}" for problem in problems[:20]]
    if left := problems[20:]:
        lines.append(f"Broken: and {len(left)} more")
    missed = [each.name for each in findings if not each.held]
    lines += [f"Not flat: {name}" for name in missed]
    if not problems and not missed:
        lines.append("Held.")
    return "\n".join(lines) + "\n"


def _is_told(finding: Finding) -> bool:
    if finding.name.partition(":")[0] not in ("table", "index", "rows", "dead"):
        return True
    trend, bar = finding.trend, finding.bar
    return trend is not None and bar is not None and trend.first > bar.floor


def _line(finding: Finding) -> str:
    name = f"{finding.name}{f' ({finding.unit})' if finding.unit else ''}"
    mark = "" if finding.held else "  BROKEN"
    if finding.trend is None or finding.bar is None:
        return f"{name:<46}{finding.text}{mark}"
    trend = finding.trend
    change = f"{trend.share:+.1%}" if trend.first else f"{trend.change:+.1f}"
    bar = f"{finding.bar.share:.0%}"
    if not finding.bar.share:
        bar, change = f"{finding.bar.floor:+.0f}", f"{trend.change:+.1f}"
    elif finding.bar.share > 10:
        bar = "-"
    return (
        f"{name:<46}{trend.first:>11.2f}{trend.last:>11.2f}{change:>10}{bar:>9}{mark}"
    )
