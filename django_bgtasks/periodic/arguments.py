"""Whether arguments fit a task's function, and which of them do not.

Unlike ``inspect.Signature.bind``, all that is wrong is found, each at its field.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from .wording import _, ngettext

_BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)


def misfits(
    task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield ``args`` or ``kwargs``, and what is wrong there, for a call of a task.

    The context that a task may take is not among the arguments. Nothing is yielded
    only where ``enqueue`` would take the arguments.
    """
    signature = inspect.signature(task.func)
    found = list(_misfits(task, signature, args, kwargs))
    if not found:
        try:
            signature.bind(*(None,) * task.takes_context, *args, **kwargs)
        except TypeError as error:
            # Python 3.11 refuses some calls that can be made.
            found = [("kwargs" if kwargs else "args", str(error))]
    yield from found


def _misfits(
    task: Any,
    signature: inspect.Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Iterator[tuple[str, str]]:
    parameters = list(signature.parameters.values())
    kinds = {each.kind for each in parameters}
    placed = [each for each in parameters if each.kind in _BY_PLACE]
    own = placed[1:] if task.takes_context else placed
    if len(args) > len(own) and Parameter.VAR_POSITIONAL not in kinds:
        yield "args", _too_many(task, len(own), len(args))
    taken = {
        each.name for each in (*placed[: len(placed) - len(own)], *own[: len(args)])
    }
    named = {each.name for each in parameters if each.kind in _BY_NAME}
    for name in kwargs:
        if name in named and name in taken:
            yield "kwargs", _taken(task, name)
        elif name not in named and Parameter.VAR_KEYWORD not in kinds:
            yield "kwargs", _unknown(task, name, named - taken)
    yield from _missing(task, own[len(args) :], parameters, args, kwargs)


def _missing(
    task: Any,
    left: list[Parameter],
    parameters: list[Parameter],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Iterator[tuple[str, str]]:
    by_name = [each for each in parameters if each.kind is Parameter.KEYWORD_ONLY]
    for each in (*left, *by_name):
        is_given = each.name in kwargs and each.kind in _BY_NAME
        if each.default is Parameter.empty and not is_given:
            # Who has written keyword arguments only will look there.
            goes_by_place = each.kind is Parameter.POSITIONAL_ONLY or (
                each.kind in _BY_PLACE and (args or not kwargs)
            )
            yield (
                "args" if goes_by_place else "kwargs",
                _("%(task)s needs the argument “%(name)s”. Add it.")
                % {"task": task.name, "name": each.name},
            )


def _too_many(task: Any, most: int, count: int) -> str:
    if not most:
        return _("%(task)s takes no positional arguments. Leave this empty.") % {
            "task": task.name
        }
    return ngettext(
        "%(task)s takes %(most)d positional argument at most, not %(count)d.",
        "%(task)s takes %(most)d positional arguments at most, not %(count)d.",
        most,
    ) % {"task": task.name, "most": most, "count": count}


def _taken(task: Any, name: str) -> str:
    if task.takes_context and name == next(
        iter(inspect.signature(task.func).parameters)
    ):
        return _(
            "“%(name)s” is the context, which the worker passes. Leave it out."
        ) % {"name": name}
    return _("“%(name)s” is given among the positional arguments already.") % {
        "name": name
    }


def _unknown(task: Any, name: str, free: set[str]) -> str:
    text = _("%(task)s takes no argument “%(name)s”.") % {
        "task": task.name,
        "name": name,
    }
    if near := get_close_matches(str(name), sorted(free), 1):
        return text + " " + _("Did you mean “%(near)s”?") % {"near": near[0]}
    if free:
        names = ", ".join(sorted(free))
        return text + " " + _("It takes: %(names)s.") % {"names": names}
    return text
