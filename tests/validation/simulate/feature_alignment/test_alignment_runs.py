"""SGD on fresh samples: its mean step, its noise, and how far it stays from the flow."""

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.feature_alignment.field import Field
from limitlab.theory.feature_alignment.flow import flow_theory
from limitlab.validation.simulate.feature_alignment.simulate import _step

TEACHER = [1.0, 0.5, -0.5, 0.8]
INPUTS = [1.0, 0.6, 1.5, 1.2]


@pytest.mark.parametrize("centred", [True, False])
def test_the_mean_step_of_sgd_is_descent_on_the_population(centred):
    """One step; the loss of the mean step is off by the noise, which is 1/b of a step's square."""
    problem = ll.QuadraticNetwork(
        6, 4, TEACHER, INPUTS, centred=centred, train_readout=True, readout="gaussian", paired=False
    )
    method = ll.SGD(0.01, batch=2000)
    runs = ll.simulate(problem, method, times=[0.01], runs=60, seed=2, progress=False)
    exact = ll.solve(problem, method, times=[0.01], limit="map")
    for name in ("loss", "displacement"):
        allowed = exact.diagnostics["finite_size"][-1] * abs(exact[name][-1])
        gap = abs(runs[name][-1] - exact[name][-1])
        assert gap < 4 * runs.sem(name)[-1] + allowed
    # negative control: the other loss
    other = ll.QuadraticNetwork(
        6,
        4,
        TEACHER,
        INPUTS,
        centred=not centred,
        train_readout=True,
        readout="gaussian",
        paired=False,
    )
    wrong = ll.solve(other, method, times=[0.01], limit="map")
    assert abs(runs.displacement[-1] - wrong.displacement[-1]) > 4 * runs.sem("displacement")[-1]


class Nodes:
    """Stands in for a generator: rows whose moments to the fifth are those of normal numbers.

    Three Gauss–Hermite nodes an axis, each as often as its weight says: 1, 4 and 1 of six.
    """

    def __init__(self, dimension):
        axis = np.sqrt(3.0) * np.array([-1, 0, 0, 0, 0, 1])
        self.rows = np.stack(np.meshgrid(*[axis] * dimension), axis=-1).reshape(-1, dimension)

    def standard_normal(self, shape):
        assert shape == self.rows.shape
        return self.rows


@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("left", ["Wdot", "Adot", "Deviation"])
@pytest.mark.parametrize("centred", [True, False])
def test_a_step_on_samples_is_the_derived_one_in_the_mean(centred, left, error):
    """Exactly: a step is of fourth degree in the inputs; an error of 1e-6 planted is seen."""
    problem = ll.QuadraticNetwork(
        4, 3, TEACHER[:3], INPUTS[:3], centred=centred, train_readout=True, readout="gaussian"
    )
    theory = flow_theory(centred)
    wrong = tuple((a, (1 + error) * b if str(a) == left else b) for a, b in theory.equations)
    field = Field(problem, replace(theory, equations=wrong).functions)
    nodes, W, a = Nodes(3), problem.weights, problem.readouts
    found = _step(problem, field.inputs, W, a, 1.0, len(nodes.rows), nodes)
    gaps = [
        np.abs(moved - start - velocity).max() / np.abs(velocity).max()
        for moved, start, velocity in zip(found, (W, a), field.velocity(W, a), strict=True)
    ]
    assert (max(gaps) < 1e-12) == (error == 0)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")
def test_the_distance_from_the_flow_falls_with_the_batch():
    """Noise of the bulk: C-NFC is off in proportion to η d²/b, and within what is announced."""
    problem = ll.QuadraticNetwork(40, 20, np.linspace(0.2, 1.2, 20), seed=1)
    gaps = []
    for batch in (40, 160):
        method = ll.SGD(0.02, batch=batch)
        exact = ll.solve(problem, method, times=[0.4], limit="map", matrices=False)
        runs = ll.simulate(problem, method, times=[0.4], runs=300, seed=3, progress=False)
        gap = exact.centred_alignment[-1] - runs.centred_alignment[-1]
        error = runs.sem("centred_alignment")[-1]
        announced = exact.diagnostics["finite_size_centred_alignment"][-1]
        assert abs(gap) < announced * exact.centred_alignment[-1] + 4 * error
        assert abs(gap) > 4 * error  # it is seen
        gaps.append((gap, error))
    (first, _), (second, error) = gaps
    # linear in 1/b, up to the next order in η d²/b = .2
    assert abs(second - first / 4) < 4 * error + 0.2 * abs(first)
    assert abs(second - first) > 4 * error


def test_population_descent_is_one_run():
    problem = ll.QuadraticNetwork(6, 4, TEACHER, INPUTS)
    found = ll.simulate(problem, ll.GradientDescent(0.1), 1, runs=9)
    assert found.provenance["deterministic"] and not found.runs
    with pytest.raises(ll.InvalidInput, match="correlation"):
        ll.simulate(problem, ll.GradientDescent(0.1), 1, correlation="spearman")


def test_a_run_that_diverges_is_flagged():
    problem = ll.QuadraticNetwork(6, 4, TEACHER, INPUTS)
    with pytest.warns(ll.ValidityWarning, match="diverged"):
        found = ll.simulate(problem, ll.SGD(50.0, batch=2), times=[2000.0], runs=3, seed=1)
    assert np.isnan(found.loss[-1])
