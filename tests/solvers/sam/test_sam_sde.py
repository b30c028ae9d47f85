"""The limiting SDE of SAM with batches: drift and noise over all batches, paths beside runs."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from limitlab.solvers.solve import solve
from limitlab.solvers.stepping.orbit import orbit
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.core.loops import Update
from limitlab.theory.core.symbols import t
from limitlab.theory.derive import derive
from limitlab.theory.methods import SAM
from limitlab.theory.methods.sampling import mask_moments
from limitlab.theory.sam.sde import drift, paths
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel
from limitlab.validation.simulate import simulate

D, P, B = 4, 6, 2
RNG = np.random.default_rng(8)
Z, J = RNG.standard_normal(D), RNG.standard_normal((D, P)) / 2
Q = RNG.standard_normal((D, P, P))
Q = (Q + Q.transpose(0, 2, 1)) / 4
SAMPLINGS = ["without_replacement", "with_replacement", "bernoulli"]


def every_mask(sampling):
    """(probability, mask) of every batch."""
    if sampling == "without_replacement":
        chosen = list(itertools.combinations(range(D), B))
        return [(1 / len(chosen), np.isin(range(D), c).astype(float)) for c in chosen]
    if sampling == "with_replacement":
        drawn = itertools.product(range(D), repeat=B)
        return [(1 / D**B, np.bincount(c, minlength=D).astype(float)) for c in drawn]
    masks = (np.array(m, dtype=float) for m in itertools.product((0, 1), repeat=D))
    return [((B / D) ** m.sum() * (1 - B / D) ** (D - m.sum()), m) for m in masks]


def step_by_hand(mask, radius):
    """θ' − θ over rate/D, by hand."""
    g = J.T @ (mask * Z) * radius / B
    bend = np.einsum("aij,j->ai", Q, g)
    up = Z + J @ g + bend @ g / 2
    return -(J + bend).T @ (mask * up) * D / B


def displacement(sampling, radius, xi=None, moments=None):
    """θ' − θ of a step of a path with dτ = 1 and h = 1, from what it makes of J."""
    own = moments or mask_moments(sampling, B, D)
    numbers = (1.0, 1.0, radius / B, own.beta, own.b1, own.b2, own.c, own.nu)
    normals = np.zeros((1, D)) if xi is None else xi[None]
    found = orbit(paths(), (Z, J), numbers, np.array([0, 1]), ceiling=1e9, inputs=(Q, normals))
    turned = found.arrays["jacobian"][1] - J
    return np.linalg.lstsq(Q.reshape(-1, P), turned.ravel(), rcond=None)[0]


@pytest.mark.interpreted
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_drift_is_the_mean_over_all_batches(sampling):
    """For a given Q, to first order in the radius: what is left is of second order."""
    masks, gaps = every_mask(sampling), []
    for radius in (0.02, 0.01):
        mean = sum(p * step_by_hand(mask, radius) for p, mask in masks)
        gaps.append(np.linalg.norm(displacement(sampling, radius) - mean))
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.05)
    # negative control: the second moments of independent masks leave a term of first order
    own = mask_moments(sampling, B, D)
    wrong = replace(own, b1=own.beta, b2=own.beta**2 * (1.3 if sampling == "bernoulli" else 1.0))
    mean = sum(p * step_by_hand(mask, 0.01) for p, mask in masks)
    assert np.linalg.norm(displacement(sampling, 0.01, moments=wrong) - mean) > 5 * gaps[1]


@pytest.mark.interpreted
@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_noise_is_the_covariance_over_all_batches(sampling):
    """Column by column: Jᵀ S Sᵀ J is the covariance of a step with radius 0."""
    masks, still = every_mask(sampling), displacement(sampling, 0.0)
    root = np.array([displacement(sampling, 0.0, xi) - still for xi in np.eye(D)]).T
    steps = np.array([step_by_hand(mask, 0.0) for _, mask in masks])
    chances = np.array([p for p, _ in masks])
    centred = steps - chances @ steps
    np.testing.assert_allclose(root @ root.T, centred.T @ (chances[:, None] * centred), atol=1e-12)


def test_it_prints():
    system = derive(QuadraticRegression(3, 8, 0.1), SAM(0.3, 0.2, batch=2), limit="sde")
    assert "first order in ρ" in system.explain() and "def advance" in system.source
    assert r"\delta_{a i}" in system.latex()
    assert "Ω[z zᵀ]" in str(drift())


@pytest.mark.slow
@pytest.mark.compiled
def test_paths_are_the_runs_of_short_steps():
    """Mean and spread of loss and sharpness, path and run of the same curvature side by side.

    At rate .05 and radius .03 errors of first order in the one and of second in the other are
    below a standard error of 3000 pairs.
    """
    problem, pairs = QuadraticRegression(6, 20, 0.3, seed=1), 3000
    method = SAM(0.05, 0.03, batch=1)
    found = simulate(problem, method, 240, runs=pairs, seed=2, points=3)
    options = {"limit": "sde", "paths": pairs, "seed": 2, "points": 3, "step": 0.02}

    def scores(radius):
        own = solve(problem, SAM(0.05, radius, batch=1), 2.0, **options)
        for name in ("loss", "sharpness"):
            a, b = own.sample(name)[:, -1], found.sample(name)[:, -1]
            for gap in (a - b, (a - a.mean()) ** 2 - (b - b.mean()) ** 2):
                yield gap.mean() / (gap.std(ddof=1) / np.sqrt(pairs))

    assert np.abs(list(scores(0.03))).max() <= 4
    # negative control: the SDE of SGD
    assert np.abs(list(scores(0.0))).max() > 4


@pytest.mark.interpreted
def test_the_given_system_is_solved_and_threads_change_nothing():
    problem, method = QuadraticRegression(3, 8, 0.1), SAM(0.1, 0.01, batch=2)
    options = {"limit": "sde", "paths": 4, "seed": 1, "points": 3, "step": 0.1}
    own = solve(problem, method, 1.0, workers=1, **options)
    assert own.provenance["time"] == "flow" and own.steps.tolist() == [0, 15, 30]
    again = solve(problem, method, 1.0, workers=2, system=paths(), **options)
    np.testing.assert_array_equal(own.sample("loss"), again.sample("loss"))
    first, *rest = paths().after
    planted = replace(paths(), after=(Update(first.left, 1.05 * first.right, first.over), *rest))
    wrong = solve(problem, method, 1.0, system=planted, **options)
    assert np.abs(wrong.loss / own.loss - 1).max() > 1e-3


@pytest.mark.parametrize(
    ("method", "field"),
    [
        (SAM(0.1, 0.1), "batch"),
        (SAM(0.1, 0.1, True, batch=2), "normalised"),
        (SAM(50.0, 0.1, batch=2), "rate"),
        (SAM(0.1 / (1 + t), 0.1, batch=2), "rate"),
    ],
)
def test_what_has_no_sde_is_refused(method, field):
    with pytest.raises((InvalidInput, NotAvailable)) as caught:
        solve(QuadraticRegression(3, 8, 0.1), method, 1.0, limit="sde", paths=2)
    assert caught.value.field == field


def test_two_eigenvalues_have_no_batches_and_a_large_radius_warns():
    with pytest.raises(NotAvailable, match="no batches"):
        derive(TwoEigenvalueModel(0.1, 0.0), SAM(0.1, 0.1), limit="sde")
    problem = QuadraticRegression(3, 8, 0.1)
    options = {"limit": "sde", "paths": 2, "step": -1.0}
    with pytest.raises(InvalidInput, match="step"):
        solve(problem, SAM(0.1, 0.5, batch=2), 1.0, **options)


@pytest.mark.interpreted
def test_a_radius_that_is_not_small_is_told():
    problem, method = QuadraticRegression(3, 8, 0.1), SAM(0.1, 0.5, batch=2)
    with pytest.warns(ValidityWarning, match="first order in the radius"):
        curve = solve(problem, method, 0.2, limit="sde", paths=2, points=2, seed=1)
    assert "radius" in curve.provenance["remarks"][0]
