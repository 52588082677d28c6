"""Of a database's error the row is left out; others' errors are left as they are."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from django_bgtasks.vendors import without_row


class Refused(Exception):
    """As psycopg's are."""

    diag = SimpleNamespace(message_primary="it is refused")


class OfTwo(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one, two)


def caused(error: Exception) -> Exception:
    error.__cause__ = Refused("it is refused\nDETAIL: (secret)")
    return error


def test_row_is_left_out() -> None:
    told = without_row(caused(IntegrityError("it is refused\nDETAIL: (secret)")))
    assert type(told) is IntegrityError
    assert str(told) == "it is refused"
    assert told.__cause__ is None


def test_row_is_left_out_of_the_drivers_own_error() -> None:
    assert str(without_row(Refused("(secret)"))) == "it is refused"


@pytest.mark.parametrize("error", [ValueError("own words"), OfTwo("own", "words")])
def test_others_errors_keep_their_words(error: Exception) -> None:
    assert without_row(caused(error)) is error
