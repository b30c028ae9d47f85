"""Matrices in random frames against the theory, and the noise of batches against its SDE."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kurtosis

import limitlab as ll
from limitlab.solvers.distillation.matrices import Network, stepped
from limitlab.theory.distillation.matrices import matrix_theory
from limitlab.validation.simulate.distillation.simulate import Frames

PROBLEM = ll.BlockwiseDistillation([1.0, 0.6, 0.3], start=0.05, layers=3, blocks=(1, 2), switch=1.0)
TURNED = ll.BlockwiseDistillation(
    [1.0, 0.5], 0.2 * np.random.default_rng(3).standard_normal((2, 2, 2)), switch=0
)
NOISY = [ll.BlockwiseDistillation([1.0, 0.6], start=0.05, switch=switch) for switch in (0.0, 1.0)]
DESCENT = ll.GradientDescent(0.05)
ROUNDING = 1e-12


@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("joined", [0, 1])
def test_forward_and_backward_on_samples_is_the_derived_gradient(joined, error):
    """To rounding; an error of 1e-6 planted in the derivation is seen."""
    theory = matrix_theory()
    wrong = tuple((a, (1 + error) * b if str(a) == "Gradient" else b) for a, b in theory.equations)
    frames, network = Frames(PROBLEM), Network(PROBLEM, replace(theory, equations=wrong).functions)
    rng = np.random.default_rng(0)
    inputs = frames.sample(rng, 7)
    U = PROBLEM.matrices + 0.1 * rng.standard_normal((3, 3, 3))
    found = frames.gradient(frames._turned(U), inputs, joined)[0]
    own = inputs @ frames.frames[0]
    expected = network.gradient(U, joined, own.T @ own / len(own))
    gap = np.abs(found - frames._turned(expected)).max() / np.abs(expected).max()
    assert (gap < ROUNDING) == (error == 0)


def test_whole_networks_descend_as_their_modes():
    runs = ll.simulate(PROBLEM, DESCENT, 4, points=9)
    U = stepped(Network(PROBLEM, matrix_theory().functions), 0.05, runs.steps)
    strengths = np.prod(np.einsum("tlkk->tlk", U), axis=1)
    assert np.abs(runs["strengths"] - strengths).max() < ROUNDING
    assert runs.misalignment.max() < ROUNDING
    # negative control: another switching time
    other = ll.BlockwiseDistillation([1.0, 0.6, 0.3], 0.05, 3, (1, 2), switch=1.1)
    assert np.abs(ll.simulate(other, DESCENT, 4, points=9)["strengths"] - strengths).max() > 1e-4


def test_frames_change_nothing():
    other = ll.BlockwiseDistillation([1.0, 0.6, 0.3], 0.05, 3, (1, 2), 1.0, seed=5)
    one, two = (ll.simulate(p, DESCENT, 3, points=4) for p in (PROBLEM, other))
    assert np.abs(one.loss - two.loss).max() < ROUNDING
    assert not np.array_equal(Frames(PROBLEM).teacher, Frames(other).teacher)


def test_a_start_that_is_not_aligned_warns_and_is_followed_by_the_matrices():
    with pytest.warns(ll.ValidityWarning, match="modes mix"):
        runs = ll.simulate(TURNED, DESCENT, 6, points=7)
    theory = ll.solve(TURNED, DESCENT, 6, points=7, limit="matrices")
    assert ll.compare(theory, runs).passed
    assert runs.misalignment[0] > 0.1
    # the control: modes of its diagonal alone are another network
    diagonal = TURNED.start * np.eye(2)
    alone = ll.simulate(
        ll.BlockwiseDistillation([1.0, 0.5], diagonal, switch=0), DESCENT, 6, points=7
    )
    assert np.abs(alone.loss / runs.loss - 1).max() > 0.1


@pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")
def test_steps_that_are_too_long_are_told():
    run = ll.simulate(PROBLEM, ll.GradientDescent(5.0), 100, points=5)
    assert run.provenance["diverged"] and np.isnan(run.loss[-1])


def test_the_announced_error_covers_the_steps():
    theory = ll.solve(PROBLEM, DESCENT, 5, points=11, limit="matrices")
    report = ll.compare(theory, ll.simulate(PROBLEM, DESCENT, 5, points=11))
    assert report.passed
    assert not ll.compare(theory, ll.simulate(PROBLEM, DESCENT, 5, points=11), margin=1e-4).passed


@pytest.mark.parametrize("verb", [ll.solve, ll.simulate])
@pytest.mark.parametrize("method", [DESCENT, ll.SGD(0.05, batch=2)])
def test_times_before_the_first_step_are_refused(verb, method):
    limit = {"limit": "map"} if verb is ll.solve and method is DESCENT else {}
    with pytest.raises(ll.InvalidInput) as caught:
        verb(PROBLEM, method, 1e-3, **limit)
    assert caught.value.field == "until"


def test_an_error_that_has_no_size_is_announced_as_infinite():
    with pytest.warns(ll.ValidityWarning, match="diverges"):
        theory = ll.solve(PROBLEM, ll.GradientDescent(4.0), 60, points=5, limit="matrices")
    assert np.isinf(theory.diagnostics["finite_size"][-1])


def test_a_path_does_not_depend_on_how_many_there_are():
    few, many = (
        ll.solve(PROBLEM, ll.SGD(0.05, batch=2), 1, points=3, paths=n, seed=4, workers=w)
        for n, w in ((3, 1), (120, 2))
    )
    assert np.array_equal(few.samples["loss"], many.samples["loss"][:3])


def deviates(one, two):
    """z of the ratio of two standard deviations; their errors by the fourth moment."""
    ratio = np.log(one.std(axis=0) / two.std(axis=0))
    error = sum((kurtosis(x, axis=0) + 2) / (4 * len(x)) for x in (one, two))
    return ratio / np.sqrt(error)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")
@pytest.mark.parametrize("problem", [*NOISY, TURNED], ids=["whole", "switched", "not aligned"])
def test_the_band_of_the_sde_is_that_of_runs(problem):
    """Standard deviations within their errors, 5–95 % with the counts of a binomial law."""
    method, times = ll.SGD(0.02, batch=4), [0.5, 1.0, 2.0, 3.0]
    runs = ll.simulate(problem, method, times=times, runs=400, seed=11)
    theory = ll.solve(problem, method, times=times, paths=2000, seed=12)
    # doubled noise: the variance of a batch of half the size
    loud = ll.solve(problem, ll.SGD(0.02, batch=2), times=times, paths=2000, seed=12)
    found = {}
    for name, band in (("own", theory), ("doubled", loud)):
        z = deviates(band.samples["overlap"][:, 1:], runs.samples["overlap"][:, 1:])
        low, high = (band.quantile("overlap", level)[1:] for level in (0.05, 0.95))
        inside = runs.samples["overlap"][:, 1:]
        share = np.mean((inside > low) & (inside < high), axis=0)
        # 400 runs, and the quantiles of 2000 paths
        found[name] = (
            np.abs(z).max(),
            np.abs(share - 0.9).max() / np.sqrt(0.09 * (1 / 400 + 1 / 2000)),
        )
    assert found["own"][0] < 4 and found["own"][1] < 4
    assert found["doubled"][0] > 4 and found["doubled"][1] > 4
    assert ll.compare(theory, runs).passed
