"""What a call says about itself: once, at the caller's line, and in readable percents."""

from __future__ import annotations

import warnings

import pytest

from limitlab.theory.core.errors import ValidityWarning
from limitlab.theory.core.percent import percent
from limitlab.theory.core.warn import one_warning, warn


def test_remarks_of_a_call_are_one_warning():
    with pytest.warns(ValidityWarning) as caught, one_warning() as said:
        warn("first")
        with one_warning():
            warn("second")
            warn("first")
    assert [str(w.message) for w in caught] == ["first; second"] and said == ["first", "second"]


def test_outside_a_call_a_remark_warns_at_once():
    with pytest.warns(ValidityWarning, match="alone") as caught:
        warn("alone")
    assert caught[0].filename == __file__


def test_a_call_without_remarks_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with one_warning() as said:
            pass
    assert said == []


def test_remarks_survive_an_error():
    with (
        pytest.warns(ValidityWarning, match="before"),
        pytest.raises(ZeroDivisionError),
        one_warning(),
    ):
        warn("before")
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.1, "110 %"),
        (0.0017, "0.17 %"),
        (0.0123, "1.2 %"),
        (0, "0 %"),
        (12.34, "1200 %"),
        (float("inf"), "unknown"),
        (1e9, "1e+11 %"),
        (-0.5, "-50 %"),
    ],
)
def test_percents_are_read_without_exponents(share, text):
    assert percent(share) == text
