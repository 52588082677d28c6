"""What of a job must not be shown: which arguments, and where else they appear. Pure.

A task says it by ``sensitive``: True for everything, or names. A name means the
parameter of that name, and every key of that name within arguments, metadata and
the return value. Jobs keep what their task said, so that they stay masked where
the task is not known, or is no more.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

HIDDEN = "********"
# Shorter values are looked for as whole words only: every "1" is not the PIN.
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Mask:
    """What is hidden of a job. The empty mask hides nothing, and is false.

    ``positions`` are those of the positional arguments; ``rest`` is the first of
    those that ``*args`` takes, if that is hidden.
    """

    everything: bool = False
    names: frozenset[str] = frozenset()
    positions: frozenset[int] = frozenset()
    rest: int | None = None

    def __bool__(self) -> bool:
        return self.everything or bool(self.names)

    def args(self, args: Any) -> Any:
        """Return positional arguments as they may be shown."""
        if not self or not isinstance(args, list):
            return HIDDEN if self.everything else args
        return [
            HIDDEN if self._hides(index) else self.value(value)
            for index, value in enumerate(args)
        ]

    def kwargs(self, kwargs: Any) -> Any:
        """Return keyword arguments as they may be shown, with their names."""
        if self.everything and isinstance(kwargs, dict):
            return dict.fromkeys(kwargs, HIDDEN)
        return self.value(kwargs)

    def value(self, value: Any) -> Any:
        """Return metadata or a return value as it may be shown."""
        if self.everything:
            return HIDDEN
        if not self.names:
            return value
        if isinstance(value, dict):
            return {
                key: HIDDEN if key.casefold() in self.names else self.value(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def text(self, text: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Hide what of these arguments appears literally in a text."""
        if not self or not text:
            return text
        secrets = {
            each for each in self._secrets(args, kwargs) if len(each) <= len(text)
        }
        found = sorted(secrets, key=len, reverse=True)
        if not found:
            return text
        words = (
            re.escape(each)
            if len(each) >= _SHORT
            else rf"(?<!\w){re.escape(each)}(?!\w)"
            for each in found
        )
        return re.sub("|".join(words), HIDDEN, text)

    def _hides(self, index: int) -> bool:
        return (
            self.everything
            or index in self.positions
            or (self.rest is not None and index >= self.rest)
        )

    def _secrets(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[str]:
        for index, value in enumerate(args):
            yield from self._within(value, hidden=self._hides(index))
        yield from self._within(dict(kwargs), hidden=self.everything)

    def _within(self, value: Any, *, hidden: bool) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                inside = hidden or key.casefold() in self.names
                yield from self._within(item, hidden=inside)
        elif isinstance(value, list):
            for item in value:
                yield from self._within(item, hidden=hidden)
        elif hidden and value is not None and not isinstance(value, bool):
            yield from _spellings(str(value))


_NOTHING = Mask()


def read_names(value: Any) -> bool | tuple[str, ...]:
    """Read what ``sensitive`` may be. Raise ValueError."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        raise ValueError(f"is True or a list of names, such as ({value!r},)")
    if not isinstance(value, Iterable):
        raise ValueError(f"{value!r} is neither True nor a list of names")
    names = tuple(value)
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{names!r} holds what is no name")
    return names


def mask_of(task: Any, more: Iterable[str] = ()) -> Mask:
    """Return what is hidden of a task's jobs; ``more`` are names for all tasks."""
    own = read_names(getattr(task, "sensitive", None))
    if own is True:
        return Mask(everything=True)
    names = (*(own or ()), *more)
    if not names:
        return _NOTHING
    return _mask(task.func, bool(task.takes_context), names)


def stored(mask: Mask) -> dict[str, Any] | bool:
    """Put a mask into JSON, to be kept with a job."""
    if mask.everything:
        return True
    return {
        "names": sorted(mask.names),
        "positions": sorted(mask.positions),
        "rest": mask.rest,
    }


def restored(kept: Any) -> Mask:
    """Return the mask that a job keeps. What cannot be read hides everything."""
    if kept is None:
        return Mask()
    try:
        return Mask(
            names=frozenset(map(str, kept["names"])),
            positions=frozenset(map(int, kept["positions"])),
            rest=None if kept["rest"] is None else int(kept["rest"]),
        )
    except (TypeError, ValueError, KeyError, OverflowError):
        return Mask(everything=True)


def joined(first: Mask, second: Mask) -> Mask:
    """Return the mask that hides what either hides."""
    rests = [each.rest for each in (first, second) if each.rest is not None]
    return Mask(
        first.everything or second.everything,
        first.names | second.names,
        first.positions | second.positions,
        min(rests, default=None),
    )


def put_back(edited: Any, shown: Any, original: Any) -> Any:
    """Return what was edited, with what was hidden and left so as it was."""
    if edited == HIDDEN and shown == HIDDEN:
        return original
    if isinstance(edited, dict) and isinstance(shown, dict):
        return {
            key: put_back(item, shown.get(key), original.get(key))
            for key, item in edited.items()
        }
    if isinstance(edited, list) and isinstance(shown, list):
        known = list(zip(shown, original, strict=True))
        known += [(None, None)] * (len(edited) - len(known))
        return [
            put_back(item, *pair) for item, pair in zip(edited, known, strict=False)
        ]
    return edited


def represented(result: Any, own: Mask) -> str:
    """Return the repr() of a result; ``own`` is the mask that the job keeps."""
    mask = joined(own, mask_of(result.task, _names_of_settings(result.task)))
    value = result._return_value
    shown = {
        "args": mask.args(result.args),
        "kwargs": mask.kwargs(result.kwargs),
        "metadata": mask.value(result.metadata),
        "_return_value": None if value is None else mask.value(value),
    }
    parts = (
        f"{each.name}={shown.get(each.name, getattr(result, each.name))!r}"
        for each in fields(result)
        if each.repr
    )
    return f"{type(result).__qualname__}({', '.join(parts)})"


def _names_of_settings(task: Any) -> tuple[str, ...]:
    try:
        names: tuple[str, ...] = task.get_backend().settings.sensitive
    except Exception:
        # Its backend is not one of ours, or has left the settings.
        return ()
    return names


@lru_cache(maxsize=4096)
def _mask(
    func: Callable[..., Any], takes_context: bool, names: tuple[str, ...]
) -> Mask:
    folded = frozenset(name.casefold() for name in names)
    positions: set[int] = set()
    rest = None
    parameters = list(inspect.signature(func).parameters.values())
    for index, parameter in enumerate(parameters[takes_context:]):
        if parameter.name.casefold() not in folded:
            continue
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = index
        elif parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            positions.add(index)
    return Mask(names=folded, positions=frozenset(positions), rest=rest)


def _spellings(text: str) -> Iterator[str]:
    """Yield a value as it may stand in a text: as it is, and as repr() has it."""
    if text.strip():
        yield text
        if (quoted := repr(text)[1:-1]) != text:
            yield quoted
