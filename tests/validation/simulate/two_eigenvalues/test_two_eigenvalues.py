"""The full (z, J₁, J₂) recursion against the closed map, and many starts."""

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.two_eigenvalues.edge_offset import edge_offset
from limitlab.theory.core.errors import InvalidInput
from limitlab.theory.methods import GradientDescent
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.interpreted
GD = GradientDescent(1.0)


@pytest.mark.parametrize("epsilon, invariant", [(0.01, 0.25), (0.1, 2.0), (0.0, 0.0)])
def test_closed_map_is_the_full_model(epsilon, invariant):
    model = TwoEigenvalueModel(epsilon, invariant)
    theory, run = solve(model, GD, 1000), simulate(model, GD, 1000)
    np.testing.assert_allclose(run.z, theory.z, atol=1e-12)
    np.testing.assert_allclose(run.T, theory.T, atol=1e-12)
    # negative control: a slightly other invariant
    other = solve(TwoEigenvalueModel(epsilon, invariant + 1e-6), GD, 1000)
    assert epsilon == 0 or np.abs(run.T - other.T).max() > 1e-10


def test_many_starts_pile_up():
    model = TwoEigenvalueModel(0.02, 0.0)
    starts = [(0.05, 2.2), (0.1, 2.3), (-0.05, 2.1)]
    runs = simulate(model, GD, starts=starts, points=11)
    assert runs.runs == 3 and runs.kind == "simulation"
    assert runs.provenance["states"] == ["ended"] * 3
    predicted = edge_offset(model).predicted
    np.testing.assert_allclose(2 - np.array(runs.provenance["ends"]), predicted, rtol=0.1)


def test_divergence_is_kept():
    runs = simulate(TwoEigenvalueModel(0.01, 0.0), GD, 50, starts=[(0.05, 2.25), (1.1, 50.0)])
    assert list(runs.provenance["diverged"]) == ["1"]
    assert np.isnan(runs.T[-1]) and np.isfinite(runs.sample("T")[0, -1])


def test_bad_start():
    with pytest.raises(InvalidInput, match="start"):
        simulate(TwoEigenvalueModel(0.01, 0.0), GD, 5, starts=[(0.05, 2.25), (3.0, 2.0)])
