"""Adam solves what derive returns, for every memory; its means are those of the derived samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.adam.table import stream_means
from limitlab.theory.adam.choice import MEMORIES
from limitlab.theory.adam.derive import sample_of
from limitlab.theory.adam.stream import Sample, drift_sample, stream_source, variance_sample

PROBLEM = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
METHOD = ll.Adam(0.3, 0.9, 0.99)


@pytest.mark.interpreted
@pytest.mark.parametrize("memory", ["slow-variance", "slow"])
def test_slow_averages_solve_the_given_system(memory):
    system = ll.derive(PROBLEM, METHOD, memory=memory)
    assert isinstance(system, ll.System) and system.numbers and system.kind == memory
    wrong = replace(system, rates=(sp.Float(1.05) * system.rates[0], *system.rates[1:]))
    assert wrong.latex() != system.latex() and wrong.source != system.source

    def solved(given, **more):
        return ll.solve(PROBLEM, METHOD, 0.2, points=2, system=given, rtol=1e-3, **more)["risk"]

    own = solved(None, memory=memory)
    assert np.array_equal(solved(system), own)
    assert np.max(np.abs(solved(wrong) / own - 1)) > 1e-3
    with pytest.raises(ll.InvalidType, match="memory"):
        solved(system, memory="short")
    with pytest.raises(ll.InvalidType, match="memory"):
        solved(ll.derive(PROBLEM, ll.SGD(0.3)))


@pytest.mark.slow
def test_derive_chooses_the_memory_that_solve_chooses():
    for method in (METHOD, ll.Adam(0.3, 0.0, 0.9)):
        system = ll.derive(PROBLEM, method)
        kind = getattr(system, "kind", "short")
        assert kind == ll.solve(PROBLEM, method, 0.2, points=2).provenance["memory"]
    assert [getattr(ll.derive(PROBLEM, METHOD, memory=m), "kind", "short") for m in MEMORIES] == [
        *MEMORIES
    ]


def with_sample(system, name, factor):
    """The system with one mean multiplied inside its expectation."""
    changed = tuple(
        (f, mean.func(*mean.args[:2], Sample(factor * mean.args[2].formula)))
        if f.func.__name__ == name
        else (f, mean)
        for f, mean in system.definitions
    )
    return replace(system, definitions=changed)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "power"), [("g_A", 0), ("s_A^2", 1)])
def test_an_error_planted_in_a_mean_moves_table_equations_and_curve(name, power):
    system = ll.derive(PROBLEM, METHOD, memory="short")
    wrong = with_sample(system, name, sp.Float(1.05))
    assert wrong.latex() != system.latex()
    samples = [(sample_of(s, "g_A"), sample_of(s, "s_A^2")) for s in (system, wrong)]
    assert stream_source(*samples[0]) != stream_source(*samples[1])
    tables = [
        stream_means(PROBLEM.noise, 0.9, 0.99, 0.1, 1.0, blocks=2, samples=s) for s in samples
    ]
    fields = ("drift", "variance")
    gap = getattr(tables[1], fields[power]) - getattr(tables[0], fields[power])
    assert gap == pytest.approx(np.log(1.05), rel=1e-9)
    risks = [
        ll.solve(PROBLEM, METHOD, 0.5, points=2, memory="short", system=s)["risk"][-1]
        for s in (system, wrong)
    ]
    assert abs(risks[1] / risks[0] - 1) > 1e-3


def test_steins_lemma_gives_the_mean_of_the_definition():
    """E[S v^(−1/2) − Q v^(−3/2)] = E[EMA(ξ²ℓz) v^(−1/2)]/2R over a short past, by quadrature."""
    b1, b2, root = 0.4, 0.6, 0.8
    shares = [(1 - b) * b ** np.arange(2) for b in (b1, b2)]
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    z0, z1 = np.meshgrid(nodes, nodes, indexing="ij")
    both = np.outer(weights, weights)
    xi, noise, floor = np.array([0.7, 1.3]), np.array([0.4, -0.2]), 0.5
    ell = np.array([root * z0 - noise[0], root * z1 - noise[1]])
    v = floor + sum(s * x**2 * e**2 for s, x, e in zip(shares[1], xi, ell, strict=True))
    defined = sum(s * x**2 * e * z for s, x, e, z in zip(shares[0], xi, ell, (z0, z1), strict=True))
    left = (both * defined / np.sqrt(v)).sum() / root
    names = sp.symbols("slope cross weight", positive=True)
    formula = sp.lambdify(names, drift_sample().formula)
    slope = float(shares[0] @ xi**2)
    cross = sum(a * b * x**4 * e**2 for a, b, x, e in zip(*shares, xi, ell, strict=True))
    right = (both * formula(slope, cross, v**-0.5)).sum()
    assert right == pytest.approx(left, rel=1e-6)
    assert (both * formula(slope, 1.00001 * cross, v**-0.5)).sum() != pytest.approx(left, rel=1e-6)
    assert "ahead" in str(variance_sample())
