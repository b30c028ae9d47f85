"""Every limit of second-order regression solves what derive returns; runs take the same steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.core import random
from limitlab.solvers.second_order.algorithm import Machine
from limitlab.solvers.second_order.curvature import DenseCurvature
from limitlab.solvers.second_order.motion import Observer, State, follow, walk
from limitlab.solvers.second_order.solve import LIMITS
from limitlab.theory.methods.sampling import batches
from limitlab.theory.second_order.motion import motion
from limitlab.theory.second_order.written_out import written_out

PROBLEM = ll.QuadraticRegression(2, 12, 0.1, [[2, 0.5], [0.5, 1]], [1, -0.5])
METHOD = ll.SGD(0.2, batch=1)
OPTIONS = {
    "fixed-data": {"mask_samples": 2},
    "proportional": {},
    "flow": {},
    "sde": {"paths": 2, "step": 0.1},
}


def planted(system, left, factor):
    """The same derivation with one right side multiplied."""
    equations = tuple((a, factor * b if str(a) == left else b) for a, b in system.equations)
    return replace(system, equations=equations)


def strengthened(system, factor):
    """An error in the force on earlier forces or on the examples."""
    if not hasattr(system, "programs"):
        return planted(system, "f_sde", factor)
    first, *rest = system.programs
    updates = tuple(
        replace(u, right=factor * u.right) if str(u.left) in ("f[t, s]", "M[t, s]") else u
        for u in first.updates
    )
    return replace(system, programs=(replace(first, updates=updates), *rest))


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "limit", [pytest.param(x, marks=pytest.mark.slow) if x == "flow" else x for x in LIMITS]
)
def test_every_limit_solves_the_system_that_derive_returns(limit):
    system = ll.derive(PROBLEM, METHOD, limit=limit)
    assert isinstance(system, ll.System) and system.numbers and "def " in system.source
    wrong = strengthened(system, sp.Float(1.05))
    assert wrong.latex() != system.latex() and wrong.source != system.source

    def solved(given):
        return ll.solve(
            PROBLEM, METHOD, 4, limit=limit, points=3, seed=1, system=given, **OPTIONS[limit]
        )["loss"]

    own, given, other = map(solved, (None, system, wrong))
    assert np.array_equal(own, given)
    assert np.max(np.abs(other / own - 1)) > 1e-4


@pytest.mark.parametrize("limit", LIMITS)
def test_the_system_of_another_limit_is_refused(limit):
    other = "proportional" if limit != "proportional" else "sde"
    given = ll.derive(PROBLEM, METHOD, limit=other)
    with pytest.raises(ll.InvalidType, match=f'limit="{limit}"'):
        ll.solve(PROBLEM, METHOD, 2, limit=limit, system=given, seed=1)


def run(engine, system):
    machine = Machine(
        PROBLEM, batches(METHOD, 2), np.full(6, 0.2), np.arange(7), engine, system=system
    )
    values, _ = machine.run(random.seed_sequence(3))
    return values[0]


@pytest.mark.interpreted
@pytest.mark.parametrize("engine", ["dense", "lazy"])
@pytest.mark.parametrize("left", ["f", "d", "z_next", "J_next"])
def test_an_error_planted_in_the_step_moves_runs_equations_and_code(engine, left):
    wrong = planted(motion(), left, sp.Float(1.05))
    assert wrong.latex() != motion().latex() and wrong.source != motion().source
    assert written_out(wrong).source != written_out(motion()).source
    assert np.max(np.abs(run(engine, wrong) / run(engine, motion()) - 1)) > 1e-3


@pytest.mark.interpreted
@pytest.mark.parametrize("factor", [1, 1 + 1e-6])
def test_array_code_is_the_map_with_its_indices_written_out(factor):
    """The engines of the lazy and of the dense curvature, to rounding; 1e-6 is seen."""
    rng = np.random.default_rng(2)
    tensor = DenseCurvature.draw(random.seed_sequence(4), (2, 12), 0.1)
    masks, rates, record = rng.integers(0, 2, (6, 2)).astype(float), np.full(6, 0.2), np.arange(7)
    observe = Observer(PROBLEM.G, PROBLEM.kappa)
    program = written_out(planted(motion(), "J_next", sp.Float(factor)))
    inputs = (tensor.tensor, masks, rates)
    found, _ = follow(program, State.start(PROBLEM.z0, PROBLEM.G), inputs, record, observe)

    def force(state, t):
        return state.batch_force(rates[t], masks[t])

    state = State.start(PROBLEM.z0, PROBLEM.G)
    wanted, _ = walk(state, tensor, force, record, observe)
    gap = np.max(np.abs(found / np.where(wanted == 0, 1, wanted) - (wanted != 0)))
    assert gap < 1e-12 if factor == 1 else gap > 1e-7


@pytest.mark.interpreted
def test_long_records_are_looked_at_in_pieces(monkeypatch):
    whole = run("dense", motion())
    monkeypatch.setattr("limitlab.solvers.second_order.motion.KEPT", 2 * PROBLEM.G.nbytes)
    assert np.array_equal(run("dense", motion()), whole)


@pytest.mark.interpreted
def test_a_run_away_of_the_map_is_told_by_its_step():
    machine = Machine(PROBLEM, batches(METHOD, 2), np.full(60, 9.0), np.arange(0, 61, 2), "dense")
    values, lost = machine.run(random.seed_sequence(3))
    assert lost is not None
    known = np.arange(0, 61, 2) < lost
    assert np.isfinite(values[:, known]).all() and np.isnan(values[:, ~known]).all()
