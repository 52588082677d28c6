"""What people search jobs for, as values; and the words that they type, read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..payload import load
from ..sensitive import Mask

_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f-]{0,27}", re.IGNORECASE)
_PAIR = re.compile(r"(\w+)\s*=\s*(.+)", re.DOTALL)
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Terms:
    """Which jobs are meant: all that fit each of these; none of them is all jobs.

    ``state`` is one of ``jobs.STATES``, or "failures": failed, lost or expired.
    ``exception`` is a class, by its path or its bare name. ``text`` is looked for
    in arguments and metadata.
    """

    state: str = ""
    queue: str = ""
    task: str = ""
    schedule: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    worker: str = ""
    exception: str = ""
    text: str = ""

    @property
    def ids(self) -> tuple[UUID, UUID] | None:
        """The first and the last id that begin as ``text`` does, if it is one."""
        if not _ID.fullmatch(self.text.strip()):
            return None
        digits = self.text.strip().replace("-", "")
        if len(digits) > 32:
            return None
        return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))

    @property
    def searched(self) -> str:
        """The text to look for within arguments, as JSON has it; "" for none."""
        if not self.text.strip() or self.ids:
            return ""
        found = _PAIR.fullmatch(self.text.strip())
        text = json.dumps(found[2] if found else self.text.strip(), ensure_ascii=False)
        return text[1:-1].strip('\\"') if found else text[1:-1]

    def fits(
        self, mask: Mask, texts: tuple[str | None, ...], parameters: tuple[str, ...]
    ) -> bool:
        """Tell whether a job holds what is looked for, in what may be shown of it.

        ``texts`` are its arguments and metadata; ``parameters`` are the names of
        its positional arguments. JSON that is cut or broken holds nothing.
        """
        found = _PAIR.fullmatch(self.text.strip())
        if not mask and not found:
            return True
        try:
            args, kwargs, metadata = (load(text or "null") for text in texts)
        except ValueError:
            return False
        shown = (mask.args(args), mask.kwargs(kwargs), mask.value(metadata))
        if found:
            return _holds(shown, parameters, found[1], found[2])
        whole = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
        return self.searched.casefold() in whole.casefold()


def _holds(
    shown: tuple[Any, ...], parameters: tuple[str, ...], name: str, value: str
) -> bool:
    args, kwargs, metadata = shown
    wanted = {value, value.strip("\"'")}
    # What is hidden as a whole is a text, and rows may be written by hand.
    objects = [each for each in (kwargs, metadata) if isinstance(each, dict)]
    candidates = [each.get(name, _NOTHING) for each in objects]
    if name in parameters and isinstance(args, list):
        candidates += args[parameters.index(name) :][:1]
    return any(
        (each if isinstance(each, str) else json.dumps(each)) in wanted
        for each in candidates
        if each is not _NOTHING
    )
