"""Edges of the mean square: against spectral radii, the linear model, groups, single runs."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.sgd_stability.moments import Moments
from limitlab.theory.core.errors import NotAvailable, ValidityWarning
from limitlab.theory.methods.sampling import Batches
from limitlab.theory.methods.sgd import SAMPLINGS

PLANE = ll.InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
RANDOM = np.random.default_rng(8).standard_normal((6, 4))
_ROOTS = np.random.default_rng(9).standard_normal((4, 3, 2))
THICK = ll.InterpolatingMinimum(hessians=_ROOTS @ _ROOTS.transpose(0, 2, 1))


def operator(problem, sampling, batch, rate, all_masks):
    """E[(I − η/B Σ m H) ⊗ itself] over every mask, as a matrix."""
    H = np.einsum("nir,njr->nij", problem.factors, problem.factors)
    masks, chances = all_masks(sampling, batch, problem.data)
    total, identity = 0.0, np.eye(problem.dimension)
    for mask, chance in zip(masks, chances, strict=True):
        step = identity - rate / batch * np.einsum("n,nij->ij", mask, H)
        total = total + chance * np.kron(step, step)
    return total


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("problem", [PLANE, THICK], ids=["rank one", "rank two"])
def test_edge_is_where_the_spectral_radius_is_one(problem, sampling, all_masks):
    for batch in range(1, problem.data):
        method = ll.SGD(0.1, batch=batch, sampling=sampling)
        edge = ll.sgd_stability(problem, method).edge
        radius = np.abs(np.linalg.eigvals(operator(problem, sampling, batch, edge, all_masks)))
        assert radius.max() == pytest.approx(1, abs=1e-10)
        at = ll.sgd_stability(problem, replace(method, rate=0.7 * edge)).growth
        other = np.abs(np.linalg.eigvals(operator(problem, sampling, batch, 0.7 * edge, all_masks)))
        assert at == pytest.approx(other.max(), abs=1e-10) and at < 1


def test_sanity_values():
    expected = {
        "bernoulli": (0.503337, 0.872910),
        "without_replacement": (0.576039, 0.938164),
        "with_replacement": (0.576039, 0.781508),
    }
    for sampling, edges in expected.items():
        for batch, edge in zip((1, 2), edges, strict=True):
            method = ll.SGD(0.1, batch=batch, sampling=sampling)
            assert round(ll.sgd_stability(PLANE, method).edge, 6) == edge


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_it_is_the_critical_rate_of_the_linear_model(sampling):
    for batch in (1, 2, 5):
        method = ll.SGD(0.1, batch=batch, sampling=sampling)
        edge = ll.sgd_stability(ll.InterpolatingMinimum(features=RANDOM), method).edge
        linear = ll.critical_rate(ll.LinearModel(jacobian=RANDOM), method)
        assert edge == pytest.approx(float(linear), rel=1e-10)
        growth = ll.sgd_stability(ll.InterpolatingMinimum(features=RANDOM), method).growth
        expected = ll.growth_rate(ll.LinearModel(jacobian=RANDOM), method)
        assert growth == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_moments_are_means_over_all_masks(sampling, all_masks):
    """E w wᵀ after three steps, by listing every sequence of masks."""
    method = ll.SGD(0.3, batch=2, sampling=sampling)
    masks, chances = all_masks(sampling, 2, 3)
    H = np.einsum("ni,nj->nij", PLANE.features, PLANE.features)
    total = 0.0
    for drawn in itertools.product(range(len(masks)), repeat=3):
        w, chance = PLANE.start, 1.0
        for i in drawn:
            w = w - 0.15 * np.einsum("n,nij,j->i", masks[i], H, w)
            chance *= chances[i]
        total += chance * (w @ w)
    found = ll.solve(PLANE, method, 3, points=4)
    assert found.mean_square[-1] == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("problem", [PLANE, THICK], ids=["rank one", "rank two"])
@pytest.mark.parametrize("left", ["w_next", "M_next"])
@pytest.mark.parametrize("error", [0, 1e-6])
def test_the_second_moment_is_that_of_the_derived_step(problem, sampling, left, error, all_masks):
    """E w⁺w⁺ᵀ over all masks to rounding; an error of 1e-6 in either of them is seen."""
    drawn = Batches(sampling, 2, problem.data)
    theory = ll.derive(problem, ll.SGD(0.3, batch=2, sampling=sampling))
    wrong = tuple((a, (1 + error) * b if str(a) == left else b) for a, b in theory.equations)
    moments = Moments(problem, drawn, replace(theory, equations=wrong).functions)
    masks, chances = all_masks(sampling, 2, problem.data)
    w = np.tile(problem.eigenvectors.T @ problem.start, (len(masks), 1))
    after = moments.run(w, masks, 0.3)
    mean = np.einsum("m,mi,mj->ij", chances, after, after)
    gap = np.abs(mean - moments.step(np.outer(w[0], w[0]), 0.3)).max() / np.abs(mean).max()
    assert bool(gap < 1e-13) == (error == 0)


def test_full_batch():
    for method in (
        ll.GradientDescent(0.3),
        ll.SGD(0.3, batch=3),
        ll.SGD(0.3, batch=3, sampling="bernoulli"),
    ):
        found = ll.sgd_stability(PLANE, method)
        assert found.edge == pytest.approx(2 / PLANE.sharpness, rel=1e-12)
        assert found.unstable_above == pytest.approx(found.edge, rel=1e-12)
    one = ll.InterpolatingMinimum(features=[[2.0]])
    assert ll.sgd_stability(one, ll.SGD(0.1)).edge == pytest.approx(0.5)


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_edge_of_groups(sampling):
    for size, batch in itertools.product((1, 2, 4, 12), (1, 3, 6)):
        problem = ll.InterpolatingMinimum.groups(12, size, 1.7)
        found = ll.sgd_stability(problem, ll.SGD(0.1, batch=batch, sampling=sampling))
        assert found.group_edge == pytest.approx(found.edge, rel=1e-10)


def test_the_sufficient_condition_never_flags_a_stable_rate():
    rng = np.random.default_rng(2)
    for _ in range(40):
        n, d, rank = rng.integers(2, 9), rng.integers(1, 5), rng.integers(1, 3)
        A = rng.standard_normal((n, d, rank)) * rng.lognormal(size=(n, 1, 1))
        problem = ll.InterpolatingMinimum(hessians=A @ A.transpose(0, 2, 1))
        method = ll.SGD(0.1, batch=int(rng.integers(1, n + 1)), sampling="bernoulli")
        found = ll.sgd_stability(problem, method)
        assert found.unstable_above >= found.edge * (1 - 1e-9)
    # negative control: the refuted condition flags stable rates
    method = ll.SGD(1.0, batch=6, sampling="bernoulli")
    found = ll.sgd_stability(ll.InterpolatingMinimum.groups(24, 24), method)
    assert found.verdict == "stable" and 1.0 >= 2 * (24 / 24 + 24 / 6 - 1) ** -0.5


# ---- single runs ----


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_exponent_of_groups_against_a_run(sampling):
    problem = ll.InterpolatingMinimum.groups(12, 4)
    for rate in (0.5, 2.9):
        method = ll.SGD(rate, batch=3, sampling=sampling)
        exact = ll.group_exponent(problem, method)
        found = ll.lyapunov_exponent(problem, method, 12_800, seed=4)
        assert abs(found.value - exact) < 4 * found.error + 2e-3  # three groups: O(1/steps)
        growth = ll.sgd_stability(problem, method).growth
        assert exact <= math.log(growth) / 2  # Jensen
        assert abs(found.value - math.log(growth) / 2) > 4 * found.error  # negative control


def test_a_run_can_be_stable_where_the_mean_square_is_not():
    problem = ll.InterpolatingMinimum.groups(24, 24)
    method = ll.SGD(1.9, batch=6, sampling="bernoulli")
    found = ll.sgd_stability(problem, method)
    assert found.verdict == "unstable" and found.lyapunov < 0
    assert ll.group_exponent(problem, ll.SGD(1.0, batch=6, sampling="bernoulli")) == -math.inf


# ---- limits ----


def test_continuous_time_lacks_a_term():
    """First order in the rate: half the rate, half the gap; and its edge is above."""
    gaps = []
    for rate in (0.02, 0.01):
        method = ll.SGD(rate, batch=1, sampling="bernoulli")
        exact = ll.solve(PLANE, method, times=[round(0.4 / rate)])
        flow = ll.solve(PLANE, method, times=[0.4], limit="sde")
        gaps.append(abs(exact.mean_square[-1] / flow.mean_square[-1] - 1))
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)


def test_planted_error():
    method = ll.SGD(0.3, batch=1)
    theory = ll.derive(PLANE, method)
    wrong = replace(theory, equations=tuple((a, 1.05 * b) for a, b in theory.equations))
    own, other = (ll.solve(PLANE, method, 2, system=s).mean_square[-1] for s in (None, wrong))
    assert other > 1.01 * own and wrong.latex() != theory.latex()


def test_states():
    method = ll.SGD(0.2, batch=1)
    assert ll.solve(PLANE, method, 600).provenance["state"] == "converged"
    assert ll.solve(PLANE, method, 10).provenance["state"] == "converging"
    unstable = ll.SGD(0.8, batch=1)
    assert ll.solve(PLANE, unstable, 10).provenance["state"] == "growing"
    with pytest.warns(ValidityWarning, match="diverged"):
        curve = ll.solve(PLANE, unstable, 3000)
    assert curve.provenance["state"] == "diverged" and np.isnan(curve.loss[-1])


def test_what_is_not_there():
    with pytest.raises(NotAvailable, match="groups"):
        ll.group_exponent(PLANE, ll.SGD(0.1))
    with pytest.raises(ll.InvalidType, match="InterpolatingMinimum"):
        ll.sgd_stability(ll.LinearModel(spectrum=[1.0]), ll.SGD(0.1))
    assert ll.sgd_stability(PLANE, ll.SGD(0.1)).unstable_above is None
