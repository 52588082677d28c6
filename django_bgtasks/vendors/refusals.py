"""What a database says of a row that it refuses, without the row."""

from __future__ import annotations

from typing import TypeVar

from django.db import Error

E = TypeVar("E", bound=BaseException)


def without_row(error: E) -> E:
    """Return an error as it may be logged, shown and kept: without the row it is about.

    PostgreSQL adds the values of a row that it refuses, and so arguments and results
    of jobs. Any other error is returned as it is.
    """
    for each in (error.__cause__, error):
        # Others may tell of a row as they like, and be made in other ways.
        if not isinstance(error, (Error, type(each))):
            continue
        message = getattr(getattr(each, "diag", None), "message_primary", None)
        if message:
            return type(error)(message).with_traceback(error.__traceback__)
    return error
