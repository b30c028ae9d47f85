"""Networks of N units against the limits: lengths, answers, edges, singular values."""

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core.blas import one_thread
from limitlab.theory.equilibrium.problem import EquilibriumNetwork
from limitlab.validation.networks.layer import of
from limitlab.validation.simulate.equilibrium import simulate as simulation
from limitlab.validation.simulate.equilibrium.simulate import draw, matrix

NAIVE = ll.FixedPointIteration()


@pytest.fixture(autouse=True)
def one_thread_of_blas():
    with one_thread():
        yield


#: networks of one size
RUNS = 16


@pytest.mark.parametrize(
    "kind", ["ginibre", "haar", "goe", "symmetric-orthogonal", ("elliptic", -0.6)]
)
def test_matrices_are_of_their_ensemble(kind):
    problem = EquilibriumNetwork(kind, 1.0, size=300)
    W = matrix(problem, np.random.default_rng(1))
    n = 300
    # N Var = 1: fourth moments of normal entries give the standard error
    assert n * np.mean(W**2) == pytest.approx(1, abs=4 * np.sqrt(4 / n**2) + 1e-9)
    off = W[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    turned = W.T[~np.eye(n, dtype=bool)].reshape(n, n - 1)
    assert n * np.mean(off * turned) == pytest.approx(problem.tau, abs=4 * np.sqrt(4 / n**2) + 1e-2)
    if kind in ("haar", "symmetric-orthogonal"):
        np.testing.assert_allclose(W @ W.T, np.eye(n), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("size", [200, 400, 800])
@pytest.mark.parametrize(
    ("kind", "scale", "activation"),
    [
        ("ginibre", 0.9, "tanh"),
        ("goe", 0.6, "tanh"),
        ("haar", 0.8, "relu"),
        ("symmetric-orthogonal", 0.7, "hard-tanh"),
        (("elliptic", -0.5), 1.2, "tanh"),
        ("goe", 0.5, "gelu"),
    ],
)
def test_static_limit_of_finite_networks(kind, scale, activation, size):
    """|z| <= 4 beside a bias of 3/N, the order that the theory states."""
    problem = EquilibriumNetwork(kind, scale, activation, size=size)
    limit, unit = ll.equilibrium(problem), of(problem.activation)
    rng = np.random.default_rng(size)
    lengths, answers, edges, radii = [], [], [], []
    for _ in range(RUNS):
        W, x = draw(problem, rng)
        z = np.zeros(size)
        for _step in range(150):  # damped, for what an antisymmetric part would turn
            z = (z + unit.value(W @ z + x)) / 2
        h = W @ z + x
        assert np.abs(unit.value(h) - z).max() < 1e-6
        D = unit.slope(h, unit.value(h))
        lengths.append(np.mean(z**2))
        answers.append(np.trace(np.linalg.solve(np.eye(size) - D[:, None] * W, np.diag(D))) / size)
        if kind == "goe" and activation == "tanh":
            root = np.sqrt(D)
            edges.append(np.linalg.eigvalsh(root[:, None] * W * root)[-1])
        if kind == "ginibre" and size <= 400:
            radii.append(np.abs(np.linalg.eigvals(D[:, None] * W)).max())
    for found, exact in ((lengths, limit.q), (answers, limit.chi)):
        error = np.std(found, ddof=1) / np.sqrt(RUNS)
        assert abs(np.mean(found) - exact) < 4 * error + 3 * exact / size
    if edges:
        # from below, by O(N^{-2/3})
        gap = limit.edge - np.mean(edges)
        assert 0 < gap < 2 * limit.edge * size ** (-2 / 3)
    if radii:
        # a largest modulus of N points in a disc is outside by the root of log N/(4N) at most
        error = np.std(radii, ddof=1) / np.sqrt(RUNS)
        allowed = limit.edge * np.sqrt(np.log(size) / (4 * size))
        assert abs(np.mean(radii) - limit.edge) < 4 * error + allowed < 0.2 * limit.edge
    # negative control: another scale; an antisymmetric part hardly lengthens
    factor = 2.0 if isinstance(kind, tuple) else 1.3
    other = ll.equilibrium(EquilibriumNetwork(kind, factor * scale, activation)).q
    error = np.std(lengths, ddof=1) / np.sqrt(RUNS)
    assert abs(np.mean(lengths) - other) > 4 * error + 3 * other / size


@pytest.mark.slow
def test_higher_statistics_separate_what_the_mean_cannot():
    """|z|²/N of linear networks: equal means, N Var = 2(m₄ − m₂²) at fixed |x|²."""
    size, runs, found = 100, 1500, {}
    for kind in ("ginibre", "haar"):
        problem = EquilibriumNetwork(kind, 0.5, "linear", input_scale=1.0, size=size)
        rng = np.random.default_rng(5)
        lengths = []
        for _ in range(runs):
            x = rng.standard_normal(size)
            x *= np.sqrt(size) / np.linalg.norm(x)
            z = np.linalg.solve(np.eye(size) - 0.5 * matrix(problem, rng), x)
            lengths.append(np.mean(z**2))
        found[kind] = np.array(lengths)
        exact = ll.linear_moments(problem)
        error = np.std(lengths) / np.sqrt(runs)
        assert abs(np.mean(lengths) - exact.second) < 4 * error + 3 / size
        spread = size * np.var(lengths)
        assert spread == pytest.approx(exact.variance, rel=4 * np.sqrt(2 / runs) + 6 / size)
    one, two = (ll.linear_moments(EquilibriumNetwork(k, 0.5, "linear")) for k in found)
    assert one.second == two.second
    assert found["ginibre"].var() / found["haar"].var() == pytest.approx(
        one.variance / two.variance, rel=8 * np.sqrt(1 / runs)
    )


def test_an_error_planted_in_the_step_moves_runs_paths_and_equations(monkeypatch):
    """The damped step is stated once: finite networks and paths of one site both take it."""
    problem = EquilibriumNetwork(("elliptic", -0.5), 1.0, size=40)
    method, options = ll.FixedPointIteration(0.5), {"points": 5, "seed": 1}
    theory = ll.derive(problem, method)
    wrong = replace(
        theory,
        equations=tuple(
            (a, (1 + 1e-6) * b if str(a) == "z_next" else b) for a, b in theory.equations
        ),
    )
    assert wrong.latex() != theory.latex() and wrong.source != theory.source
    paths = [
        ll.solve(problem, method, 4, paths=50, system=system, **options).q
        for system in (theory, wrong)
    ]
    assert np.max(np.abs(paths[1] - paths[0])) > 1e-8
    right = ll.simulate(problem, method, 4, runs=1, **options).q
    monkeypatch.setattr(simulation, "functions_of", lambda _: dict(wrong.compiled()))
    assert np.max(np.abs(ll.simulate(problem, method, 4, runs=1, **options).q - right)) > 1e-8


def test_divergence_is_a_status():
    problem = EquilibriumNetwork("ginibre", 2.0, "linear", size=40)
    with pytest.warns(ll.ValidityWarning, match="diverged"):
        found = ll.simulate(problem, NAIVE, 600, points=3, runs=2, seed=1)
    assert found.provenance["diverged"] and np.isnan(found.q[-1])


def test_damping_saves_what_has_imaginary_eigenvalues():
    """σ(1 + |τ|) = 1.19 > 1 kills the naive iteration; σ(1 + τ) < 1 leaves a solution."""
    problem = EquilibriumNetwork(("elliptic", -0.7), 0.7, "linear", size=60)
    options = {"times": [400.0], "runs": 2, "seed": 3, "progress": False}
    naive = ll.simulate(problem, NAIVE, **options)
    damped = ll.simulate(problem, ll.FixedPointIteration(0.5), **options)
    assert naive.loss[-1] > 1 and damped.provenance["converged"] == 1
