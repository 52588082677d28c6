from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_bgtasks import exponential, linear

ERROR = ValueError("any")


def after(attempts: int) -> SimpleNamespace:
    return SimpleNamespace(attempts=attempts)


def test_exponential_doubles_up_to_its_maximum():
    backoff = exponential(5, maximum=60, jitter=0)
    assert [backoff(ERROR, after(n)) for n in (1, 2, 3, 4, 5, 6)] == [
        5,
        10,
        20,
        40,
        60,
        60,
    ]


def test_exponential_takes_another_factor():
    backoff = exponential(1, factor=10, jitter=0)
    assert [backoff(ERROR, after(n)) for n in (1, 2, 3)] == [1, 10, 100]


def test_linear_adds_a_step_up_to_its_maximum():
    backoff = linear(10, maximum=25, jitter=0)
    assert [backoff(ERROR, after(n)) for n in (1, 2, 3)] == [10, 20, 25]


@pytest.mark.parametrize("backoff", [exponential(), linear()])
@pytest.mark.parametrize("attempts", [0, 1, 64, 65, 10_000, 10**9])
def test_number_of_attempts_never_overflows_the_delay(backoff, attempts):
    assert 0 < backoff(ERROR, after(attempts)) <= 3600


def test_huge_factor_ends_at_the_maximum():
    assert exponential(1, factor=1e300, jitter=0)(ERROR, after(60)) == 3600


@given(st.integers(1, 100), st.floats(0, 1), st.sampled_from([exponential, linear]))
def test_jitter_spreads_by_its_share_within_the_maximum(attempts, jitter, kind):
    plain = kind(3, maximum=100, jitter=0)(ERROR, after(attempts))
    delay = kind(3, maximum=100, jitter=jitter)(ERROR, after(attempts))
    assert plain * (1 - jitter) - 1e-9 <= delay <= min(plain * (1 + jitter), 100) + 1e-9


def test_jitter_keeps_jobs_that_failed_together_apart():
    backoff = exponential(60)
    assert len({backoff(ERROR, after(1)) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: exponential(0), r"exponential\(initial=\.\.\.\) must be more than 0"),
        (lambda: exponential(-1), r"exponential\(initial=\.\.\.\) must be more than 0"),
        (lambda: exponential(maximum=0), r"exponential\(maximum=\.\.\.\)"),
        (lambda: exponential(factor=0.5), r"exponential\(factor=\.\.\.\) must be 1"),
        (lambda: exponential(factor=float("nan")), r"exponential\(factor=\.\.\.\)"),
        (lambda: exponential(jitter=2), r"exponential\(jitter=\.\.\.\).*0 and 1"),
        (lambda: exponential(float("nan")), r"exponential\(initial=\.\.\.\)"),
        (lambda: linear(0), r"linear\(step=\.\.\.\) must be more than 0"),
        (lambda: linear(maximum=-1), r"linear\(maximum=\.\.\.\)"),
        (lambda: linear(jitter=-0.1), r"linear\(jitter=\.\.\.\)"),
    ],
)
def test_numbers_that_make_no_delay_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: exponential("5"), r"exponential\(initial=\.\.\.\) takes a number"),
        (lambda: exponential(True), r"exponential\(initial=\.\.\.\) takes a number"),
        (lambda: exponential(maximum=None), r"exponential\(maximum=\.\.\.\)"),
        (lambda: exponential(factor="2"), r"exponential\(factor=\.\.\.\)"),
        (lambda: exponential(jitter="0.1"), r"exponential\(jitter=\.\.\.\)"),
        (lambda: linear([]), r"linear\(step=\.\.\.\) takes a number"),
    ],
)
def test_what_is_no_number_is_refused_by_name(make, message):
    with pytest.raises(TypeError, match=message):
        make()
