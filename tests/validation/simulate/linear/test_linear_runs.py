"""Runs of SGD on a linear model: streams, batches, agreement with the theory, critical rates."""

from __future__ import annotations

import dataclasses
import math
import warnings

import numpy as np
import pytest

from limitlab.solvers.linear.critical import critical_rate, growth_rate
from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable, ValidityWarning
from limitlab.theory.derive import derive
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.methods.sgd import SAMPLINGS
from limitlab.validation.agreement.compare import compare
from limitlab.validation.figures.overlay import overlay
from limitlab.validation.simulate import simulate
from limitlab.validation.simulate.linear.growth import (
    Measured,
    _crossing,
    measured_critical_rate,
    measured_growth,
)
from limitlab.validation.simulate.linear.simulate import kernels

N = np.array([[1, 0.3, 0.1], [0.3, 0.6, 0.2], [0.1, 0.2, 0.4]])
SMALL = LinearModel(kernel=N, residual=[1, -1, 0.5])


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def gaussian(data=50, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(data, 2 * data)) * np.sqrt(0.5) * rng.uniform(0.5, 1.5, (data, 1))
    return LinearModel(jacobian=rows, residual=rng.normal(size=data))


@pytest.mark.interpreted
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_a_run_depends_on_its_number_only(sampling):
    method = SGD(0.3, batch=2, sampling=sampling, momentum=0.2)
    few = simulate(SMALL, method, 3, points=4, runs=2, seed=1)
    more = simulate(SMALL, method, 3, points=4, runs=3, seed=1, workers=3)
    assert np.array_equal(few.sample("loss"), more.sample("loss")[:2])
    assert not np.array_equal(more.sample("loss")[0], more.sample("loss")[2])
    longer = simulate(SMALL, method, 4, points=5, runs=2, seed=1)
    assert np.array_equal(few.sample("loss"), longer.sample("loss")[:, :4])


@pytest.mark.interpreted
def test_the_full_batch_is_gradient_descent_in_every_run():
    runs = simulate(SMALL, GradientDescent(0.5), 5, points=6, runs=2, seed=0)
    theory = solve(SMALL, GradientDescent(0.5), 5, points=6)
    assert runs.sample("loss") == pytest.approx(np.tile(theory.loss, (2, 1)), rel=1e-12)
    assert np.array_equal(runs.sharpness, theory.sharpness)


@pytest.mark.interpreted
def test_one_step_has_a_loss_that_some_batch_gives(all_masks):
    z = SMALL.residual
    masks, _ = all_masks("without_replacement", 2, 3)
    ends = [np.sum((z - 0.4 * 1.5 * N @ (mask * z)) ** 2) / 6 for mask in masks]
    runs = simulate(SMALL, SGD(0.4, batch=2), 1, runs=6, seed=2).sample("loss")[:, 1]
    assert all(min(abs(loss - end) for end in ends) < 1e-14 for loss in runs)


@pytest.mark.interpreted
def test_starts_are_drawn_from_the_second_moment():
    runs = simulate(LinearModel(kernel=N), SGD(0.1, batch=2), 1, runs=40, seed=6)
    chi_square = 6 * runs.sample("loss")[:, 0].sum()
    assert abs(chi_square - 120) < 4.5 * np.sqrt(2 * 120)
    assert runs.std("loss")[0] > 0


@pytest.mark.interpreted
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_divergence_is_flagged_with_the_step():
    runs = simulate(SMALL, SGD(1e60, batch=2), 4, points=5, runs=3, seed=0)
    assert runs.provenance["diverged"] == {"0": 3, "1": 3, "2": 3}
    assert np.isinf(runs.loss[-1])
    with pytest.raises(InvalidInput, match="diverged in 3 of 3 runs, first at step 3"):
        compare(solve(SMALL, SGD(0.1, batch=2), 4, points=5), runs)


@pytest.mark.interpreted
def test_near_the_edge_quantiles_are_compared():
    rate = float(critical_rate(SMALL, SGD(1.0, batch=2)))
    method = SGD(0.97 * rate, batch=2)
    theory, runs = solve(SMALL, method, 4), simulate(SMALL, method, 4, runs=20, seed=0)
    report = compare(theory, runs)
    assert report.verdict == "quantiles" and report.quantity == "loss" and report.quantiles
    assert "near_instability" not in solve(SMALL, SGD(0.3, batch=2), 4).provenance


@pytest.mark.interpreted
def test_flow_time_is_not_compared_with_steps():
    method = SGD(0.2, batch=2)
    runs = simulate(SMALL, method, 4, runs=2, seed=0)
    with pytest.raises(InvalidInput, match="steps"):
        compare(solve(SMALL, method, 4, limit="ode"), runs)
    assert overlay(solve(SMALL, method, 4), runs).axes[-1].get_xlabel() == "step"


def test_growth_is_of_linear_models():
    for call in (measured_growth, measured_critical_rate):
        with pytest.raises(InvalidType, match="give a LinearModel"):
            call(N, SGD(0.1))


def test_a_crossing_that_was_not_reached_is_told():
    """A growth that jumps is never zero within its error; a straight one is, and says nothing."""
    with pytest.warns(ValidityWarning, match="is still .* after 12 searches"):
        _crossing(lambda rate: Measured(math.copysign(1.0, rate - 0.3), 0.01), 0.0, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(_crossing(lambda x: Measured(x - 0.3, 0.01), 0.0, 1.0)) == pytest.approx(0.3)


def test_a_spectrum_cannot_be_run():
    with pytest.raises(NotAvailable, match="eigenvectors"):
        simulate(LinearModel(spectrum=[1.0]), SGD(0.1), 3)


@pytest.mark.interpreted
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_compiled_batches_are_drawn_evenly(sampling):
    """Each pair of 4 examples is drawn alike: chi-square over the counts at level 1e-4."""
    rng = np.random.default_rng(8)
    order, drawn = np.arange(4), np.empty(4, dtype=np.int64)
    counts = np.zeros((4, 4))
    for _ in range(3000):
        found = kernels().draw(SAMPLINGS.index(sampling), 2, rng.random(4), order, drawn)
        mask = np.bincount(drawn[:found], minlength=4)
        counts += np.outer(mask, mask)
    off = counts[np.triu_indices(4, 1)]
    assert np.sum((off - off.mean()) ** 2) / off.mean() < 27.9
    assert np.sum((np.diag(counts) - np.trace(counts) / 4) ** 2) * 4 / np.trace(counts) < 21.2


def _wrong(system, **constants):
    """The derivation with other sampling constants put in place of c and ν."""
    swap = {s: constants[s.name] for s in _symbols(system) if s.name in constants}
    equations = tuple((a, b.subs(swap)) for a, b in system.equations)
    return dataclasses.replace(system, equations=equations)


def _symbols(system):
    return set().union(*(right.free_symbols for _, right in system.equations))


#: constants of another sampling: c with and without its −1/D or (D − 1), ν of the other kind
WRONG = {
    "without_replacement": ({"c": 1 / 3}, {"nu": 0.0}),
    "with_replacement": ({"c": 1 / 3 - 1 / 5}, {"nu": 0.0}),
    "bernoulli": ({"c": 1 / 3}, {"nu": 1.0}),
}


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.0, 0.5])
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_theory_agrees_with_runs_and_wrong_constants_do_not(sampling, momentum):
    """Three of five examples a step: c and ν matter most where steps are not small."""
    problem = gaussian(5)
    fields = {"batch": 3, "sampling": sampling, "momentum": momentum}
    method = SGD(0.4 * float(critical_rate(problem, SGD(1.0, **fields))), **fields)
    runs = simulate(problem, method, 10, points=11, runs=10_000, seed=21)
    theory = solve(problem, method, 10, points=11)
    report = compare(theory, runs)
    assert report.passed, str(report)
    right = derive(problem, method)
    for constants in WRONG[sampling]:
        curve = solve(problem, method, 10, points=11, system=_wrong(right, **constants))
        assert compare(curve, runs).verdict == "disagrees", constants


@pytest.mark.slow
def test_the_closure_is_rejected_where_examples_differ():
    problem = gaussian(50)
    method = SGD(0.7 * float(critical_rate(problem, SGD(1.0, batch=5))), batch=5)
    runs = simulate(problem, method, 60, points=21, runs=2000, seed=22)
    theory = solve(problem, method, 60, points=21)
    assert theory.kernel_norm[0] < 0.8 and compare(theory, runs).passed
    closed = solve(problem, method, 60, points=21, limit="closure")
    assert compare(closed, runs).verdict == "disagrees"


@pytest.mark.slow
def test_blocks_of_outputs_agree_with_runs_and_the_wrong_blocks_do_not():
    rows = gaussian(12).jacobian
    right = LinearModel(jacobian=rows, outputs=3)
    wrong = LinearModel(jacobian=rows * np.sqrt(3), outputs=1)
    method = SGD(0.25 / right.sharpness, batch=1)
    runs = simulate(right, method, 30, points=16, runs=4000, seed=23)
    theory = solve(right, method, 30, points=16)
    assert theory.kernel_norm[0] < 0.8 and compare(theory, runs).passed
    assert wrong.gram == pytest.approx(right.gram)
    other = solve(wrong, method, 30, points=16)
    per_example = dataclasses.replace(other, values={"loss": other.loss * 3})
    assert compare(per_example, runs).verdict == "disagrees"


@pytest.mark.slow
def test_measured_growth_crosses_zero_at_the_critical_rate():
    """4000 walkers at D = 50; within 1 %, where the closure's rate is 10 % off."""
    problem = gaussian(50)
    method = SGD(1.0, batch=5)
    exact, closed = (float(critical_rate(problem, method, form)) for form in ("exact", "closure"))
    found = measured_critical_rate(problem, method, 240, walkers=4000, seed=31)
    assert found.error < 0.003 * exact
    assert abs(found.value / exact - 1) < 0.01 < abs(found.value / closed - 1)


@pytest.mark.slow
def test_critical_rate_near_the_edge_of_few_modes():
    """A power law at B = 16 of 40: the growth is flat below the edge and steep beyond it."""
    rng = np.random.default_rng(1)
    vectors = np.linalg.qr(rng.standard_normal((40, 40)))[0]
    problem = LinearModel(jacobian=vectors * np.arange(1, 41) ** -0.75)
    method = SGD(1.0, batch=16)
    found = measured_critical_rate(problem, method, 200, walkers=1000, seed=1)
    assert abs(found.value - float(critical_rate(problem, method))) < 4.5 * found.error
    assert found.error < 0.005 * found.value


@pytest.mark.slow
def test_measured_growth_is_that_of_the_moment_map():
    problem = gaussian(20)
    rate = 1.1 * float(critical_rate(problem, SGD(1.0, batch=4, momentum=0.5)))
    method = SGD(rate, batch=4, momentum=0.5)
    found = measured_growth(problem, method, 400, walkers=2000, seed=32)
    wanted = np.log(growth_rate(problem, method))
    assert abs(found.value - wanted) < 4.5 * found.error
    assert abs(found.value - np.log(growth_rate(problem, method, "closure"))) > 4.5 * found.error
