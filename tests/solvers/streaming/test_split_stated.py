"""The compiled right-hand side of the split equations is the derived one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.special
import sympy as sp

import limitlab as ll
from limitlab.solvers.core.chebyshev import NO_TABLE
from limitlab.solvers.core.compile import load
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.split import _saturation
from limitlab.solvers.streaming.templates import split as loops
from limitlab.theory.core.symbols import decay_rate, dimension, risk, source_weight
from limitlab.theory.streaming import split
from limitlab.theory.streaming.derive import bind
from limitlab.theory.streaming.derive import derive as derive_streaming

PROBLEM = ll.LeastSquares(ll.isotropic(10), ll.Gaussian(0.6))
METHODS = {
    "one sample": ll.SignSGD(0.4),
    "mean of signs": ll.SignSGD(0.4, batch=3, aggregate="mean-of-signs"),
    "majority": ll.SignSGD(0.4, batch=3, aggregate="majority-vote"),
    "sign of mean": ll.SignSGD(0.4, batch=4, aggregate="sign-of-mean"),
}
#: what of the statement each method's right-hand side holds
FIELDS = {
    "one sample": ("correlation", "exact", "path", "fluctuation", "share"),
    "mean of signs": ("exact",),
    "majority": ("exact", "saturation"),
    "sign of mean": ("linear", "saturation"),
}
N, D = 4, 10.0
TOLERANCE = 1e-12


def geometry(dense):
    """λ, c, K_ii, counts, K, left vectors and d: random, as one right-hand side sees them."""
    rng = np.random.default_rng(3)
    rates, sources, variances = rng.uniform(0.5, 2, (3, N))
    counts = np.ones(N) if dense else np.array([1.0, 2, 3, 1])
    shape = (N, N) if dense else (0, 0)
    return rates, sources, variances, counts, *rng.uniform(-0.2, 0.6, (2, *shape)), D


def state():
    rng = np.random.default_rng(4)
    return np.concatenate([rng.uniform(-0.9, 0.9, N), rng.uniform(0.3, 0.6, N)])


def compiled(method):
    """The module of the method's equations, and its numbers."""
    system = derive_streaming(PROBLEM, method)
    numbers = Coefficients.of(system.source, bind(system, PROBLEM, method))
    return load(numbers.source, "streaming/split"), numbers.law


def evaluated(method, seen):
    """(dμ/dt, df/dt) by the compiled kernel."""
    (module, law), out = compiled(method), np.empty(2 * N)
    module.slope(state(), 0.0, (seen, law, NO_TABLE, _saturation(method)), np.empty(N), out)
    return out


def stated(system, method, seen):
    """(dμ/dt, df/dt) by code generated from the statement; A and B are those of the limit."""
    module, law = compiled(method)
    rates, sources, variances, counts, covariance, left, _ = seen
    path, energies = np.split(state(), 2)
    pulls = covariance @ path if covariance.size else variances * path
    parts = (split.count, split.entry, split.pull, split.energy)
    R = np.sum(sp.lambdify(parts, system.share)(counts, path, pulls, energies))
    known = {risk: R, split.size: method.rate, dimension: D}
    known |= {split.source_strength: module.source(R, 0.0, *law)}

    def code(formula, *names):
        made = sp.lambdify(
            names, formula.subs(known), [{"A": lambda r: module.decay(r, 0.0, *law)}, "scipy"]
        )
        return np.vectorize(made)

    rho = code(system.correlation, split.pull, split.variance)(pulls, variances)
    signs = code(system.sign(*_saturation(method)), split.correlation)(rho)
    along = (split.overlap, left @ signs) if left.size else (split.mean_sign, signs)
    change = system.fluctuation if left.size else system.diagonal
    names = (split.energy, decay_rate, source_weight, along[0])
    moved = code(change, *names)(energies, rates, D * sources, along[1])
    return np.concatenate([code(system.path, split.mean_sign)(signs), moved])


@pytest.mark.interpreted
@pytest.mark.parametrize("dense", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_the_kernel_is_the_statement_and_no_other(name, dense):
    method, seen, system = METHODS[name], geometry(dense), split.derive_split()
    found = evaluated(method, seen)
    assert np.max(np.abs(stated(system, method, seen) - found)) < TOLERANCE
    for field in FIELDS[name]:
        wrong = replace(system, **{field: planted(system, field)})
        assert np.max(np.abs(stated(wrong, method, seen) - found)) > 100 * TOLERANCE, field
        assert wrong.latex() != system.latex() or field == "linear"


def planted(system, field):
    """A part of the statement with an error of 1e-6: of S_n, which is 1 at 1, in its order."""
    formula = getattr(system, field)
    if field == "saturation":
        return formula.subs(split.order, split.order * (1 + sp.Float(1e-6)))
    return formula * (1 + sp.Float(1e-6))


def test_the_mean_sign_without_noise_is_the_arcsine():
    system = split.derive_split()
    # A = 2η √(2/π) μ with the mean slope μ = 2 φ(0)/√(2R)
    decay = 4 * split.size / sp.pi / sp.sqrt(2 * risk)
    formula = system.exact.replace(split.decay, lambda r: decay.subs(risk, r))
    for rho in (-0.9, 0.2, 0.99):
        found = formula.subs({split.correlation: rho, risk: 0.7}).evalf()
        assert abs(found - 2 / sp.pi * sp.asin(rho)) < 1e-12


@pytest.mark.parametrize("batch", [3, 5])
def test_the_saturation_of_votes_is_their_mean(batch):
    """E of the majority of B signs of mean s, by counting."""
    s = split.mean_sign
    up = (1 + s) / 2
    counted = sum(
        sp.binomial(batch, k) * up**k * (1 - up) ** (batch - k) * sp.sign(2 * k - batch)
        for k in range(batch + 1)
    )
    formula = split.derive_split().saturation
    for mean in (-0.8, 0.3):
        found, other = (formula.subs({split.order: n, s: mean}).evalf() for n in (batch + 1, batch))
        assert abs(found - counted.subs(s, mean)) < 1e-12 < abs(other - counted.subs(s, mean))


def test_it_says_how_it_comes_about():
    system = split.derive_split()
    assert "Price" in system.explain() and "Itô" in system.explain()
    assert r"\dot{f}_i" in system.latex()


@pytest.mark.parametrize("order", [3, 200, 201, 1000, 10**6])
def test_saturation_of_any_number_of_samples(order):
    """S_n(x) against the incomplete beta function, on both sides of where the recurrence ends."""
    x = np.array([-0.4, 1e-9, 1e-3, 0.03, 0.9])
    exact = np.sign(x) * scipy.special.betainc(0.5, order / 2, x**2)
    found = [loops.saturated(each, order) for each in x]
    np.testing.assert_allclose(found, exact, rtol=1e-11)
    assert loops.slope_of_saturation(order) == pytest.approx(found[1] / x[1], rel=1e-11)
