"""Where a statement may go to the driver itself, around Django's cursor.

Nowhere where somebody looks at a connection's statements, or changes them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from django.apps import apps
from django.db.backends.utils import CursorWrapper

# A backend of the project's own, or a tracer, may have others of these.
_WATCHED = ("cursor", "_cursor", "_prepare_cursor", "create_cursor", "make_cursor")
# One that pools by itself has others of these.
_KEEPING = ("get_new_connection", "close", "_close")


def is_open(connection: Any) -> bool:
    """Whether nobody looks at the connection now. Connect if need be.

    Raise what Django raises before it makes a cursor, and before it uses one.
    """
    if "cursor" in vars(connection):
        return False
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    if connection.execute_wrappers or connection.queries_logged:
        return False
    connection.validate_thread_sharing()
    connection.validate_no_broken_transaction()
    return True


def is_plain(connection: Any, *others: Callable[..., Any]) -> bool:
    """Whether what makes and runs cursors, ``others`` too, is Django's own."""
    functions = [getattr(type(connection), name) for name in _WATCHED]
    return apps.ready and all(
        map(_is_of_django, (*functions, *others, CursorWrapper.execute))
    )


def is_opened(connection: Any) -> bool:
    """Whether Django itself opens and closes the session, and so lends it to nobody."""
    functions = [getattr(type(connection), name) for name in _KEEPING]
    return all(map(_is_of_django, functions))


def _is_of_django(function: Any) -> bool:
    # What wraps a function often takes over its name and module; Django's own
    # decorators may wrap others' functions.
    while function is not None:
        if type(function) is not FunctionType:
            return False
        if not str(function.__globals__["__name__"]).startswith("django."):
            return False
        function = getattr(function, "__wrapped__", None)
    return True
