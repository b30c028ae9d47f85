"""A map is stated once: its code does what its equations say, with numbers and with arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from limitlab.solvers.stepping.orbit import orbit, orbits, rest
from limitlab.theory.core.loops import Settled, Shrink, Update, step
from limitlab.theory.core.map import Map
from limitlab.theory.core.system import System

pytestmark = pytest.mark.interpreted

x, y, p = sp.symbols("x y p", real=True)
D, P = sp.symbols("D P", integer=True, positive=True)
a, i = sp.symbols("a i", integer=True)
z, w, g = sp.IndexedBase("z", shape=(D,)), sp.IndexedBase("w", shape=(P,)), sp.IndexedBase("g")
J = sp.IndexedBase("J", shape=(D, P))
WATCHED = {"ceiling": 10, "size": "x", "measure": "rest"}
examples, parameters = (a, 0, D - 1), (i, 0, P - 1)


def henon() -> Map:
    return Map("Hénon", (x, y), (1 - p * x**2 + y, sp.Rational(3, 10) * x), (("x", x),), (p,))


def descent() -> Map:
    """Gradient descent on |z|²/2 with z = Jw: the Jacobian shrinks beside, as an array state."""
    residual = sp.Sum(J[a, i] * w[i], parameters)
    return Map(
        name="descent",
        states=(w, J),
        after=(
            Update(w[i], w[i] - g[step] * sp.Sum(J[a, i] * z[a], examples), (parameters,)),
            Update(J[a, i], J[a, i] * (1 - p * z[a] * w[i]), (examples, parameters)),
        ),
        observe=(("loss", sp.Sum(w[i] ** 2, parameters) / 2), ("jacobian", J)),
        numbers=(p,),
        inputs=(g,),
        body=(Update(z[a], residual, (examples,)),),
    )


def test_numbers_go_round_as_the_equations_say():
    assert isinstance(henon(), System)
    steps = np.array([0, 1, 2, 5])
    found = orbit(henon(), (0.1, 0.2), (1.4,), steps, ceiling=1e3)
    path = [(0.1, 0.2)]
    for _ in range(5):
        u, v = path[-1]
        path.append((1 - 1.4 * u**2 + v, 0.3 * u))
    np.testing.assert_allclose(found.values["x"], [path[k][0] for k in steps], rtol=1e-14)
    assert found.lost is None and not found.arrays


def test_arrays_change_together_and_are_kept():
    rng = np.random.default_rng(1)
    weights, jacobian, rates = rng.normal(size=3), rng.normal(size=(2, 3)), np.array([0.1, 0.2, 0])
    steps = np.array([0, 2])
    found = orbit(descent(), (weights, jacobian), (0.3,), steps, ceiling=1e3, inputs=(rates,))
    v, M = weights, jacobian
    for rate in rates[:2]:
        r = M @ v
        v, M = v - rate * M.T @ r, M * (1 - 0.3 * np.outer(r, v))
    np.testing.assert_allclose(found.arrays["jacobian"], [jacobian, M], rtol=1e-13)
    np.testing.assert_allclose(found.values["loss"], [weights @ weights / 2, v @ v / 2], rtol=1e-13)


def test_a_planted_error_moves_equations_and_code_together():
    changed = replace(henon(), after=(1 - p * x**2 + sp.Float(1.05) * y, henon().after[1]))
    assert changed.latex() != henon().latex() and changed.source != henon().source
    ends = [orbit(m, (0.1, 0.2), (1.4,), np.array([0, 1]), ceiling=1e3) for m in (henon(), changed)]
    assert ends[1].values["x"][1] - ends[0].values["x"][1] == pytest.approx(0.01)


def test_a_runaway_is_told_by_its_step_and_never_a_number():
    found = orbit(henon(), (10.0, 0.0), (1.4,), np.arange(8), ceiling=1e3)
    assert found.lost == 2 and np.isnan(found.values["x"][2:]).all()


def test_it_comes_to_rest_in_a_point_or_in_a_cycle():
    logistic = Map("logistic", (x,), (p * x * (1 - x),), (("x", x), ("rest", x)), (p,))
    point, cycle = (
        rest(logistic, (0.3,), (rate,), 10_000, tolerance=1e-13, **WATCHED) for rate in (2.5, 3.2)
    )
    assert point.state == "ended" and point.value == pytest.approx(0.6, rel=1e-9)
    # the mean over the 2-cycle is (1 + p)/(2p)
    assert cycle.state == "ended" and cycle.value == pytest.approx(4.2 / 6.4, rel=1e-9)
    assert rest(logistic, (0.3,), (3.9,), 50, **WATCHED).state == "budget"
    lost = rest(logistic, (1.5,), (3.9,), 50, **WATCHED)
    assert lost.state == "diverged" and np.isnan(lost.value)


def test_equations_are_drawn_as_they_stand():
    text = descent().latex()
    assert r"J^{+}_{a,i}" in text and r"\sum_{i=0}^{P - 1}" in text and "loss" in text
    assert descent().latex("align").startswith(r"\begin{align}")


def test_a_search_shrinks_until_its_condition_holds():
    """The largest 8 · 2⁻ʲ with η x <= 1; 0 where nothing does; and names that Python reserves."""
    eta, found, reserved = sp.Symbol("eta"), sp.Symbol("found"), sp.Symbol("lambda", real=True)
    search = Shrink(eta, sp.Integer(8), sp.Rational(1, 2), sp.Le(eta * reserved, p))
    assert search.free_symbols == {reserved, p}
    body, seen = (Update(found, search),), (("found", found), ("lambda", reserved))
    system = Map("search", (reserved,), (3 * reserved,), seen, (p,), body=body)
    found_of = {q: orbit(system, (1.0,), (q,), np.arange(4), ceiling=1e9) for q in (1.0, -1.0)}
    assert found_of[1.0].values["found"].tolist() == [1.0, 0.25, 0.0625, 0.03125]
    assert found_of[-1.0].values["found"].tolist() == [0.0] * 4
    assert found_of[1.0].last["lambda"] == 27.0
    assert "max" in system.latex() and "lambda_" in system.source


def test_many_orbits_are_those_of_one():
    system, steps = henon(), np.arange(5)
    numbers = [(1.4,), (1.1,), (0.3,)]
    many = orbits(system, [(0.1, 0.2)] * 3, numbers, steps, ceiling=10)
    for number, found in zip(numbers, many, strict=True):
        one = orbit(system, (0.1, 0.2), number, steps, ceiling=10)
        np.testing.assert_array_equal(found.values["x"], one.values["x"])


def test_an_iteration_ends_where_it_stands_still():
    """Newton's root of Σ_a z_a by x ↦ (x + s/x)/2, and after too few rounds what they gave."""
    near, total = sp.symbols("near s", positive=True)
    for most, rel in ((40, 1e-15), (2, None)):
        root = Settled(near, sp.Integer(1), (near + total / near) / 2, most)
        body = (Update(total, sp.Sum(w[i], parameters)), Update(y, root))
        system = Map(
            "root", (x, w), (y, Update(w[i], w[i], (parameters,))), (("x", x),), (), (), body
        )
        assert root.free_symbols == {total} and r"\lim" in system.latex()
        found = orbit(system, (0.0, np.array([1.0, 1.0])), (), np.array([0, 1]), ceiling=9)
        if rel:
            assert found.values["x"][1] == pytest.approx(np.sqrt(2), rel=rel)
        else:
            assert found.values["x"][1] == (1.5 + 2 / 1.5) / 2
