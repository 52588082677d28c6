"""Values as nobody should send them, from a seed."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
TEXTS = (
    *("", " ", "\n", "\t", "-", "--", "0", "-1", "1", "null", "None", "true", "NaN"),
    *("Infinity", "-Infinity", "1e999", "1e-999", "0x10", "٣", "1_000", "+5", "1.5"),
    *("9" * 19, "9" * 40, "9" * 5000, "-" + "9" * 40, "9223372036854775808"),
    *(EVIL, "{{ 7|add:7 }}", "{% debug %}", "${7*7}", "%s", "%(name)s", "{0}", "{}"),
    *("' OR '1'='1", "'; DROP TABLE django_bgtasks_job; --", "\\", "%", "_", "%%"),
    *("../../etc/passwd", "/", "//evil.example/", "http://evil.example/", "file:///"),
    *("os.system", "builtins.eval", "__import__", "a.b", ".", "..", "django"),
    *("é", "日本語", "🎉", "\u202e", "\ufeff", "\u2028", "İ", "ß", "a\u0300"),
    *("x" * 300, "x" * 70_000, "[" * 3000, "{" * 3000, '{"a":' * 500, "(" * 500),
    *("[1,", '{"a":1,"a":2}', "[NaN]", '{"": null}', "[]", "{}", '""', "[[[]]]"),
    *("2026-02-30", "2026-02-28T25:00", "0001-01-01", "9999-12-31", "24:00:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "infinity", "now"),
    *("00000000-0000-0000-0000-000000000000", "{" + "f" * 32 + "}", "f" * 31),
    *("ffffffff-ffff-ffff-ffff-ffffffffffff", "urn:uuid:" + "0" * 32, "0" * 8),
    *("UTC", "Europe/Berlin", "Europe/", "/etc/localtime", "posixrules", "5m", "7d"),
    *("default", "mail", "failed", "ready", "finished", "succeeded", "on", "1h 30m"),
)
# What no database stores, and no form of a browser sends, but a shell may.
UNSTORABLE = ("\0", "a\0b", "\udcff", "a\ud800b")
CRONTAB_PARTS = (
    *("*", "0", "5", "59", "60", "-1", "*/5", "*/0", "1-5", "5-1", "1,2,3", "L", "LW"),
    *("15W", "mon", "mon-fri", "fri-mon", "jan", "dec-feb", "1#2", "7#6", "L5", "sun"),
    *(
        "?",
        "H",
        "R",
        "@",
        "*/100000",
        "0-59/7",
        "1-",
        "-",
        ",",
        "1,,2",
        "x",
        "31",
        "30",
    ),
    *("2", "29", "7", "12", "13", "23", "24", "5L", "1W,2", "*-*", "*/*", "1-5/2/3"),
)
CRONTABS = (
    "@daily",
    "@yearly",
    "@reboot",
    "@every 5m",
    "@hourly",
    "@",
    "@x",
    "0 0 30 2 *",
)
MOMENTS = (
    datetime.min,
    datetime.max,
    datetime(1, 1, 1, 12, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-14))),
    datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30),
    datetime(2026, 11, 21, 12, tzinfo=UTC),
)
INTEGERS = (
    *(0, 1, -1, 2, 100, 101, -101, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31), 2**31),
    *(2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**40, 10**4200, -(10**40)),
)
FLOATS = (0.0, -0.0, 0.5, 1e-320, 1e308, -1e308, float("inf"), float("-inf"))


class Junk(random.Random):
    """The junk of one case: the same each time for a name and a number."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"{name} {number}")
        self._name = f"{name} #{number}"
        self.said: Any = ""

    def __str__(self) -> str:
        return self._name

    def says(self, *what: Any) -> None:
        """Note what this case is about, to be told if it fails."""
        self.said = repr(what)

    def text(self, *, storable: bool = True) -> str:
        if not storable and self.random() < 0.05:
            return self.choice(UNSTORABLE)
        kind = self.random()
        if kind < 0.6:
            return self.choice(TEXTS)
        if kind < 0.7:
            return self.choice(TEXTS) + self.choice(TEXTS)
        alphabet = string.printable if kind < 0.9 else "aß日🎉\u0300\x01\x7f\x85'\"<&%"
        return "".join(self.choices(alphabet, k=self.randrange(30)))

    def integer(self) -> int:
        return self.choice((self.choice(INTEGERS), self.randrange(-200, 200)))

    def number(self) -> Any:
        nan = float("nan")
        return self.choice((self.integer(), self.choice((*FLOATS, nan))))

    def moment(self) -> datetime:
        if self.random() < 0.6:
            return self.choice(MOMENTS)
        zone = self.choice((UTC, None))
        day = date.fromordinal(self.randrange(1, date.max.toordinal()))
        clock = (self.randrange(24), self.randrange(60), self.randrange(60))
        return datetime(day.year, day.month, day.day, *clock, tzinfo=zone)

    def length(self) -> timedelta:
        lengths = (timedelta.max, timedelta.min, timedelta(), timedelta(microseconds=1))
        some = timedelta(seconds=self.randrange(-100, 10**6))
        return self.choice((*lengths, timedelta(days=36525), some))

    def crontab(self) -> str:
        if self.random() < 0.1:
            return self.choice(CRONTABS)
        if self.random() < 0.1:
            return self.text()
        return " ".join(
            self.choices(CRONTAB_PARTS, k=self.choice((5, 5, 5, 5, 6, 4, 7)))
        )

    def json(self, depth: int = 0) -> Any:
        """A value that JSON can express, if often an odd one."""
        kind = self.randrange(8 if depth < 3 else 6)
        if kind == 6:
            return [self.json(depth + 1) for _ in range(self.randrange(4))]
        if kind == 7:
            keys = (self.text() for _ in range(self.randrange(4)))
            return {key: self.json(depth + 1) for key in keys}
        values: Sequence[Any] = (None, True, False, self.integer(), 0.5, self.text())
        return values[kind]

    def value(self, depth: int = 0) -> Any:
        """Any value of Python at all."""
        kinds: list[Callable[[], Any]] = [
            lambda: self.json(depth),
            lambda: self.text(storable=False),
            self.number,
            self.moment,
            self.length,
            lambda: self.choice(ODD),
        ]
        if depth < 3:
            kinds += [
                lambda: [self.value(depth + 1) for _ in range(self.randrange(4))],
                lambda: {
                    self.hashable(): self.value(depth + 1)
                    for _ in range(self.randrange(4))
                },
            ]
        return self.choice(kinds)()

    def hashable(self) -> Any:
        odd = (None, 1, 1.0, True, b"key", b"\xff", ("a",), "1", UUID(int=1))
        return self.choice((self.text(storable=False), self.choice(odd)))


def _deep(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


def _endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


ODD: tuple[Any, ...] = (
    *(
        object(),
        object,
        len,
        lambda: 1,
        b"",
        b"\xff",
        bytearray(b"\0"),
        memoryview(b""),
    ),
    *({1}, frozenset(), range(3), 1j, Decimal("NaN"), Decimal("1e999"), ..., iter([])),
    *(date.max, timedelta.max, UUID(int=0), ValueError("x"), NotImplemented, type),
    *(_deep(300), _endless(), {"a": _endless()}, "x" * 5_000_000),
    *({1: 2}, {"1": 1, 1: 2}, {b"a": 1, "a": 2}, [float("nan")], ("a", ("b",))),
)
