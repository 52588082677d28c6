"""What a database says of a row that it refuses, without the row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import DatabaseError, Error

from .session import OUTAGES

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


@contextmanager
def hiding_rows() -> Iterator[None]:
    """Have a refusal of what runs in here raised without the row it is about."""
    try:
        yield
    except OUTAGES:
        raise
    except DatabaseError as error:
        if (told := without_row(error)) is error:
            raise
        raise told from None
