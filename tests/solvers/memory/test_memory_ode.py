"""The moments of a stream with memory: sanity values, compression, resting states."""

import numpy as np
import pytest

import limitlab as ll

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]
D = 400
NOISE = ll.Gaussian(0.5)
ISOTROPIC = ll.LeastSquares(ll.isotropic(D), NOISE)
VALUES = np.arange(1.0, D + 1) ** -0.7
SPREAD = ll.LeastSquares(ll.from_eigenvalues(VALUES / VALUES.mean()), NOISE)
SLOW = ll.SGD(0.8, momentum=ll.slow_memory(2.0))
DIRECT = ll.ClippedSGD(0.5, 1.0, momentum=ll.slow_memory(1.0, direct=0.6))


def solved(problem, method, times=(0.0, 1.0, 2.0, 3.0), **options):
    return ll.solve(problem, method, times=times, **options)


@pytest.mark.parametrize(
    ("method", "values"),
    [
        (SLOW, (0.53990926, 0.29082509, 0.18419946)),
        (DIRECT, (0.65362934, 0.35330711, 0.18400246)),
        (ll.SGD(0.5, weight_decay=0.3), (0.51143918, 0.29301575, 0.19180614)),
    ],
)
def test_sanity_values(method, values):
    assert np.allclose(solved(ISOTROPIC, method).risk[1:], values, rtol=0, atol=6e-9)


@pytest.mark.parametrize(("method", "value"), [(SLOW, 0.20668917), (DIRECT, 0.18745523)])
def test_sanity_values_of_a_power_law(method, value):
    assert solved(SPREAD, method).risk[3] == pytest.approx(value, abs=2e-8)


def test_sanity_values_of_the_uniform_average():
    """The risk itself is known in closed form, R∞ + (1 − R∞) e^(−3t/4) with R∞ = 1/24."""
    curve = solved(ISOTROPIC, ll.SGD(0.5, average=ll.uniform()))
    t = curve.time[1:]
    assert np.allclose(curve.risk[1:], 1 / 24 + 23 / 24 * np.exp(-0.75 * t), rtol=1e-7)
    # both moments of the sum in closed form: with q = 3/4 and a = 1/2 (the mean decays as e^(−at))
    q, a, rest = 0.75, 0.5, 1 / 24
    two = lambda s: (1 - np.exp(-a * s)) / a  # noqa: E731
    grid = np.linspace(0.0, 1.0, 20_001)
    for k, end in enumerate(t, start=1):
        s = end * grid
        rho = rest + (1 - rest) * np.exp(-q * s)
        average = 2 * np.trapezoid(rho * two(end - s), s) / end**2
        assert curve["average_risk"][k] == pytest.approx(average, rel=1e-7)


def test_an_average_that_begins_late_is_that_of_the_rest():
    """From t₀ on it is the average of a run that starts there."""
    late = solved(ISOTROPIC, ll.SGD(0.5, average=ll.uniform(1.0)), times=(0.0, 1.0, 1.5, 3.0))
    again = ll.LeastSquares(ll.isotropic(D), NOISE, initial_risk=float(late.risk[1]))
    first = solved(again, ll.SGD(0.5, average=ll.uniform()), times=(0.0, 0.5, 2.0))
    assert np.allclose(late["average_risk"][1:], first["average_risk"], rtol=1e-6)
    assert late["average_risk"][1] == late.risk[1]


def test_many_modes_are_those_of_few():
    """Two hundred thousand modes on Gauss nodes, held to means over a hundred of them."""
    method = ll.SGD(0.5, momentum=ll.slow_memory(3.0, direct=0.2), weight_decay=0.1)
    many = ll.LeastSquares(ll.power_law(200_000, 0.5), NOISE)
    whole = solved(many, method)
    lam = many.covariance.eigenvalues.reshape(2000, 100).mean(axis=1)
    few = ll.LeastSquares(ll.from_eigenvalues(lam, np.full(2000, 100)), NOISE)
    assert np.allclose(whole.risk, solved(few, method).risk, rtol=6e-4)
    assert whole.diagnostics["error_estimate"].max() < 1e-6


def test_a_stiff_spectrum_is_solved_implicitly():
    """One eigenvalue of 10⁶: the explicit pair gives up, and the limit stays that of the modes."""
    lam, counts = np.array([1e6, 1.0]), np.array([1, 399])
    start = np.concatenate([[1e-6], np.full(399, 0.05)])
    problem = ll.LeastSquares(ll.from_eigenvalues(lam, counts), NOISE, start=start)
    method = ll.Huber(1e-2, 0.1, momentum=ll.slow_memory(1.0, direct=1.0))
    curve = ll.solve(problem, method, 200, points=4)
    finer = ll.solve(problem, method, 200, points=4, rtol=1e-10)
    assert np.allclose(curve.risk, finer.risk, rtol=1e-5)


@pytest.mark.parametrize(
    ("eta", "gamma", "kappa"), [(0.8, 2.0, 0.0), (0.5, 1.0, 0.6), (1.2, 0.2, 0.3)]
)
def test_stationary_risk_and_edge(eta, gamma, kappa):
    method = ll.SGD(eta, momentum=ll.slow_memory(gamma, direct=kappa))
    room = 2 * eta * kappa + 2 * gamma - eta**2 * kappa**2 - eta * gamma * (1 + kappa)
    rests = eta * 0.25 * (eta * kappa**2 + gamma * (1 + kappa)) / (2 * room)
    found = ll.stationary(ISOTROPIC, method)
    assert found.roots == pytest.approx([rests], rel=1e-9) and found.stable.all()
    edge = ll.stability_limit(ISOTROPIC, method)
    assert edge**2 * kappa**2 + edge * gamma * (1 + kappa) == pytest.approx(
        2 * edge * kappa + 2 * gamma, rel=1e-8
    )
    assert curve_grows(1.02 * edge, method) and not curve_grows(0.98 * edge, method)


def curve_grows(rate, method):
    from dataclasses import replace

    curve = ll.solve(ISOTROPIC, replace(method, rate=rate), times=(0.0, 2000.0, 4000.0))
    return bool(curve.risk[2] > 1.01 * curve.risk[1])


def test_stationary_risk_under_decay():
    """(η, w, Q, σ²) = (.8, .3, 1, .25)."""
    problem = ll.LeastSquares(ll.isotropic(D), NOISE, start=np.full(D, D**-0.5))
    found = ll.stationary(problem, ll.SGD(0.8, weight_decay=0.3))
    assert found.roots == pytest.approx([0.094017094], abs=5e-10)
    assert ll.stability_limit(problem, ll.SGD(1.0, weight_decay=0.3)) == pytest.approx(2.6)
    assert ll.stability_limit(problem, ll.SGD(1.0)) == pytest.approx(2.0)


def test_a_target_of_its_own():
    """δ(0) and θ* apart: superposed from three solutions with θ* = −δ(0), which are quadratic."""
    rng = np.random.default_rng(3)
    aim, start = rng.normal(size=(2, D)) / 20
    method = ll.SGD(0.8, weight_decay=0.3)
    whole = ll.LeastSquares(SPREAD.covariance, NOISE, start=start, target=aim)
    curve = solved(whole, method)
    # the same run in the iterates: θ(0) = δ(0) + θ*, target θ*; a mode of its own on every λ
    drift = VALUES / VALUES.mean()
    assert curve.risk[0] == pytest.approx(0.5 * drift @ start**2)
    exact = solved(whole, method, limit="exact")
    gap = np.abs(exact.risk / curve.risk - 1)
    assert gap[1:] == pytest.approx(curve.diagnostics["finite_size"][1:], rel=1e-3)
    default = ll.LeastSquares(SPREAD.covariance, NOISE, start=start)
    given = ll.LeastSquares(SPREAD.covariance, NOISE, target=-start)
    both = ll.LeastSquares(SPREAD.covariance, NOISE, start=start, target=-start)
    risks = [solved(p, method).risk for p in (default, given, both)]
    assert np.allclose(risks[0], risks[1], rtol=1e-12) and np.allclose(
        risks[0], risks[2], rtol=1e-7
    )


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_the_announced_error_of_a_fixed_momentum(beta):
    """d × relative error at η/(1 − β) = 1, σ = .5, R(0) = .5, t = 1, in closed form."""
    d = 4000
    problem = ll.LeastSquares(ll.isotropic(d), NOISE, initial_risk=0.5)
    curve = ll.solve(problem, ll.SGD(1 - beta, momentum=beta), times=(0.0, 1.0))
    error = -0.262278 + 0.349751 / (1 - beta) + 1.300456 / (1 + beta)
    share = 0.05 / (1 - beta) / d * 100  # the next order, ∝ 1/(d (1 − β))
    assert d * curve.diagnostics["finite_size"][1] == pytest.approx(error, rel=max(share, 2e-3))
    plain = ll.solve(problem, ll.SGD(1.0), times=(0.0, 1.0))
    assert curve.risk[1] == pytest.approx(plain.risk[1], rel=1e-7)
    assert any("η/(1 − β)" in text for text in curve.provenance["remarks"])


def test_exact_powers_are_the_walk():
    """A long run by squaring, and the same one with a schedule that does not move."""
    method = ll.SGD(0.8, momentum=ll.slow_memory(2.0))
    big = ll.LeastSquares(ll.isotropic(100_000), NOISE)
    still = ll.SGD(0.8 + 0.0 * ll.t, momentum=ll.slow_memory("2 + 0.0*t + 1e-13*t"))
    powered = ll.solve(big, method, 3, points=4, limit="exact")
    walked = ll.solve(big, still, 3, points=4, limit="exact")
    assert np.allclose(powered.risk, walked.risk, rtol=1e-9)


def test_reading_what_is_not_there():
    curve = solved(ISOTROPIC, SLOW)
    with pytest.raises(ll.NotAvailable):
        curve["average_risk"]
    with pytest.raises(ll.NotAvailable, match="limit"):
        ll.solve(ISOTROPIC, SLOW, 1, limit="volterra")
    with pytest.raises(ll.NotAvailable):
        ll.stationary(ISOTROPIC, ll.SGD(0.5 / (1 + ll.t), momentum=0.5))


def test_the_exact_mean_is_not_warned_of():
    """The limit is off by percents on few features, which its own curve alone remarks on."""
    problem = ll.power_law_features(200, 50, 0.8, 0.2)
    method = ll.SGD(20.0, momentum=ll.slow_memory(2.0))
    exact, limit = (ll.solve(problem, method, 1, points=3, limit=k) for k in ("exact", "ode"))
    assert exact.provenance["remarks"] == []
    assert any("exact mean" in text or "off by" in text for text in limit.provenance["remarks"])
