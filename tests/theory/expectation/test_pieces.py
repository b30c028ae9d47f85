"""Cutting a rule at its kinks."""

import pytest
import sympy as sp

from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.expectation.pieces import jumps, pieces

x = sp.Symbol("x", real=True)
c = sp.Symbol("c", positive=True)


def cut(expression, values=None):
    return pieces(expression, x, values or {c: 0.7})


def test_a_smooth_rule_is_one_piece():
    assert [p.value for p in cut(sp.tanh(x))] == [sp.tanh(x)]


def test_clip_has_three_pieces_in_order():
    found = cut(sp.Max(-c, sp.Min(x, c)))
    assert [p.value for p in found] == [-c, x, c]
    assert [p.lower for p in found] == [-sp.oo, -c, c]


def test_the_square_of_the_sign_is_joined():
    assert len(cut(sp.sign(x) ** 2)) == 1


def test_jumps_have_their_height():
    assert jumps(cut(sp.sign(x)), x) == ((0, 2),)
    assert jumps(cut(sp.Max(-c, sp.Min(x, c))), x) == ()


def test_a_dead_zone_from_a_piecewise():
    rule = sp.Piecewise((0, sp.Abs(x) < c), (x, True))
    found = cut(rule)
    assert [p.value for p in found] == [x, 0, x]
    assert jumps(found, x) == ((-c, c), (c, c))


def test_nested_switches():
    found = cut(sp.Max(0, 1 - sp.Abs(x) / c))
    assert [sp.expand(p.value) for p in found] == [0, 1 + x / c, 1 - x / c, 0]


def test_two_parameters_are_ordered_by_their_values():
    a = sp.Symbol("a", positive=True)
    rule = sp.Abs(x - a) + sp.Abs(x - c)
    assert [p.lower for p in cut(rule, {a: 1.0, c: 0.5})] == [-sp.oo, c, a]
    assert [p.lower for p in cut(rule, {a: 0.5, c: 1.0})] == [-sp.oo, a, c]


def test_a_kink_that_no_polynomial_gives_is_refused():
    with pytest.raises(InvalidInput, match="rule"):
        cut(sp.Abs(sp.sin(x)))
