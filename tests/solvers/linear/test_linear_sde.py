"""Paths of the limiting SDE: streams, and the mean that Itô's formula gives."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from limitlab.solvers.linear.critical import critical_rate
from limitlab.solvers.linear.moments import blocks, from_blocks
from limitlab.solvers.solve import solve
from limitlab.theory.core.errors import NotAvailable, ValidityWarning
from limitlab.theory.derive import derive
from limitlab.theory.linear.problem import LinearModel
from limitlab.theory.methods import SGD
from limitlab.theory.methods.sampling import batches

RNG = np.random.default_rng(3)
ROWS = RNG.normal(size=(8, 20)) * np.linspace(0.2, 2.5, 8)[:, None]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        yield


def model(outputs=1):
    return LinearModel(jacobian=ROWS, residual=np.linspace(2, 1, 8), outputs=outputs)


@pytest.mark.interpreted
def test_a_path_depends_on_its_number_only():
    method = SGD(0.2 / model().sharpness, batch=2)
    few = solve(model(), method, 2 * method.rate, limit="sde", points=3, paths=2, seed=4)
    more = solve(
        model(), method, 2 * method.rate, limit="sde", points=3, paths=4, seed=4, workers=3
    )
    assert np.array_equal(few.sample("loss"), more.sample("loss")[:2])
    assert not np.array_equal(more.sample("loss")[0], more.sample("loss")[1])
    assert few.steps.tolist() == [0, 1, 2] and few.provenance["time"] == "flow"


@pytest.mark.interpreted
def test_without_noise_paths_are_gradient_flow():
    problem, rate = model(), 0.1
    curve = solve(problem, SGD(rate, batch=8), 0.3, limit="sde", points=4, paths=2, seed=0)
    decay = np.exp(-2 * np.outer(curve.time, problem.eigenvalues))
    assert curve.loss == pytest.approx(decay @ problem.energies / 16, rel=1e-9)


@pytest.mark.interpreted
def test_a_diverging_mean_is_told():
    """Just below the rate at which Itô's moment equation stops decaying nothing is said."""
    problem = model()
    brief = {"limit": "sde", "points": 2, "paths": 2, "seed": 0}
    for diffusion in ("homogenised", "exact"):
        critical = brentq(growth_of_mean, 0.01, 3, args=(problem, diffusion == "exact"))
        for share, remarks in ((0.99, 0), (1.01, 1)):
            tried = SGD(share * critical, batch=1)
            curve = solve(problem, tried, tried.rate, diffusion=diffusion, **brief)
            told = [text for text in curve.provenance["remarks"] if "diverges" in text]
            assert len(told) == remarks
    with pytest.warns(ValidityWarning, match="its mean loss diverges"):
        solve(problem, tried, tried.rate, **brief)
    # the steps diverge at another rate
    assert abs(critical / critical_rate(problem, tried) - 1) > 0.05


def moment_equation(problem, method, exact):
    """Itô's own equation of E z zᵀ, as the oracle."""
    mask, values = batches(method, problem.data).moments, problem.eigenvalues
    V, n = problem.eigenvectors, problem.size
    pair = np.outer(values, values) * method.rate * mask.c

    def change(_, state):
        M = state.reshape(n, n)
        if exact:
            source = problem.data * from_blocks(V, blocks(V @ M, V, problem.outputs)) - mask.nu * M
        else:
            source = np.trace(M) / problem.outputs * np.eye(n)
        return (-(values[:, None] + values) * M + pair * source).ravel()

    return change


def growth_of_mean(rate, problem, exact):
    change, n = moment_equation(problem, SGD(rate, batch=1), exact), problem.size
    columns = [change(0.0, unit) for unit in np.eye(n * n)]
    return float(np.linalg.eigvals(np.array(columns).T).real.max())


def mean_of(problem, method, times, exact):
    """Mean loss of the SDE by Itô's formula."""
    change, n = moment_equation(problem, method, exact), problem.size
    found = solve_ivp(
        change, (0, times[-1]), problem.start.ravel(), t_eval=times, rtol=1e-9, atol=1e-12
    )
    return np.trace(found.y.T.reshape(-1, n, n), axis1=1, axis2=2) / (2 * problem.data)


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("sampling", ["without_replacement", "bernoulli"])
def test_mean_of_the_paths_is_that_of_itos_formula(sampling, outputs):
    """z-scores at level 1e-3 over 5 times; the other diffusion is rejected by the same test."""
    problem = model(outputs)
    method = SGD(0.25 / problem.sharpness, batch=2, sampling=sampling)
    curve = solve(problem, method, 30 * method.rate, limit="sde", points=6, paths=4000, seed=11)

    def worst(exact):
        wanted = mean_of(problem, method, curve.time, exact)
        return np.max(np.abs(curve.loss - wanted)[1:] / curve.sem("loss")[1:])

    assert worst(exact=True) < 3.9 < worst(exact=False)


@pytest.mark.slow
def test_homogenised_paths_have_the_derived_closure_as_their_mean():
    problem = LinearModel(spectrum=[1.0, 0.7, 0.4, 0.2], residual=np.ones(4))
    method = SGD(0.2, batch=1, sampling="bernoulli")
    curve = solve(problem, method, 8.0, limit="sde", points=5, paths=4000, seed=5)
    change = derive(problem, method).functions["flow_ito"]
    numbers = {"c": 0.75, "nu": 0.0, "C": 1.0, "eta": 0.2, "lambda_i": problem.eigenvalues}

    def worst(**other):
        found = solve_ivp(
            lambda _, p: change(M_ij=p, L=p.sum(), **numbers | other),
            (0, 8),
            problem.energies,
            t_eval=curve.time,
            rtol=1e-9,
        )
        wanted = found.y.sum(axis=0) / 8
        return np.max(np.abs(curve.loss - wanted)[1:] / curve.sem("loss")[1:])

    assert worst() < 3.7 < worst(c=1.0)


def test_a_spectrum_has_the_homogenised_diffusion_only():
    with pytest.raises(NotAvailable, match="homogenised"):
        solve(LinearModel(spectrum=[1.0]), SGD(0.1), 1, limit="sde", diffusion="exact")
