"""What of a job is hidden, and that nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from django_bgtasks import task
from django_bgtasks.sensitive import (
    HIDDEN,
    Mask,
    joined,
    mask_of,
    put_back,
    restored,
    stored,
)


def sign_up(name: str, password: str = "", *codes: str, pin: int = 0) -> None:
    pass


def with_context(context: Any, password: str) -> None:
    pass


def keywords(**given: Any) -> None:
    pass


def mask(*names: str, func: Any = sign_up, **options: Any) -> Mask:
    return mask_of(task(sensitive=names, **options)(func))


def test_task_that_says_nothing_hides_nothing() -> None:
    nothing = mask_of(task(sign_up))
    assert not nothing
    assert nothing.args(["ada", "pw"]) == ["ada", "pw"]
    assert nothing.text("pw", ["pw"], {}) == "pw"


def test_positional_argument_is_found_by_the_signature() -> None:
    assert mask("password").args(["ada", "hunter2"]) == ["ada", HIDDEN]


def test_context_is_no_argument() -> None:
    hidden = mask("password", func=with_context, takes_context=True)
    assert hidden.args(["hunter2", 1]) == [HIDDEN, 1]


def test_rest_of_the_positional_arguments_is_hidden_whole() -> None:
    assert mask("codes").args(["ada", "pw", "1", "2"]) == ["ada", "pw", HIDDEN, HIDDEN]


def test_keyword_keeps_its_name() -> None:
    found = mask("password", "pin").kwargs({"password": "x", "pin": 7, "name": "ada"})
    assert found == {"password": HIDDEN, "pin": HIDDEN, "name": "ada"}


@pytest.mark.parametrize("key", ["password", "Password", "PASSWORD"])
def test_key_within_is_hidden_at_any_depth(key: str) -> None:
    deep = [{"users": [{key: "x", "name": "ada"}]}]
    shown = [{"users": [{key: HIDDEN, "name": "ada"}]}]
    assert mask("password").args(deep) == shown
    assert mask("password").value(deep) == shown


def test_part_of_a_name_is_another_name() -> None:
    assert mask("pass", func=keywords).kwargs({"password": 1}) == {"password": 1}


def test_everything_leaves_names_and_numbers_of_arguments() -> None:
    everything = mask_of(task(sensitive=True)(sign_up))
    assert everything.args(["ada", ["pw"]]) == [HIDDEN, HIDDEN]
    assert everything.kwargs({"pin": 1}) == {"pin": HIDDEN}
    assert everything.value({"a": 1}) == HIDDEN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("logged in with hunter2!", f"logged in with {HIDDEN}!"),
        ("KeyError: 'hunter2'", f"KeyError: '{HIDDEN}'"),
        ("the PIN is 7, the port 17", f"the PIN is {HIDDEN}, the port 17"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_value_is_hidden_where_it_stands_in_a_text(text: str, shown: str) -> None:
    found = mask("password", "pin").text(text, ["ada", "hunter2"], {"pin": 7})
    assert found == shown


def test_value_is_hidden_as_repr_writes_it() -> None:
    secret = 'line\n"quoted"'
    text = f"ValueError: {secret!r}"
    hidden = mask("password").text(text, ["ada", secret], {})
    assert hidden == f"ValueError: '{HIDDEN}'"


def test_longer_value_is_hidden_whole() -> None:
    found = mask("password", "codes").text(
        "secret-and-more", ["x", "secret", "secret-and-more"], {}
    )
    assert found == HIDDEN


def test_kept_mask_hides_the_same() -> None:
    for each in (mask("password", "codes"), mask_of(task(sensitive=True)(sign_up))):
        assert restored(stored(each)) == each
    assert restored(None) == Mask()


UNREADABLE = (
    *(False, 5, "x", [], {"names": 5}, {"names": []}),
    {"names": [], "positions": [float("inf")], "rest": None},
)


@pytest.mark.parametrize("kept", UNREADABLE)
def test_kept_mask_that_cannot_be_read_hides_everything(kept: Any) -> None:
    assert restored(kept).everything


def test_joined_masks_hide_what_either_hides() -> None:
    both = joined(mask("password"), mask("name", "codes"))
    assert both.args(["ada", "pw", "1"]) == [HIDDEN, HIDDEN, HIDDEN]
    assert joined(Mask(everything=True), Mask()).everything


def test_name_for_all_tasks_is_one_of_the_task_as_well() -> None:
    assert mask_of(task(sign_up), ("password",)).args(["a", "b"]) == ["a", HIDDEN]


@pytest.mark.parametrize(
    ("edited", "back"),
    [
        (["ada", HIDDEN, {"pin": HIDDEN}], ["ada", "pw", {"pin": 7}]),
        (["eve", "new", {"pin": HIDDEN}], ["eve", "new", {"pin": 7}]),
        (["ada", HIDDEN], ["ada", "pw"]),
        (["ada", HIDDEN, {"pin": HIDDEN}, HIDDEN], ["ada", "pw", {"pin": 7}, HIDDEN]),
        ([HIDDEN, HIDDEN], [HIDDEN, "pw"]),
        ("no list", "no list"),
    ],
)
def test_what_was_hidden_and_left_so_is_put_back(edited: Any, back: Any) -> None:
    shown = ["ada", HIDDEN, {"pin": HIDDEN}]
    assert put_back(edited, shown, ["ada", "pw", {"pin": 7}]) == back
