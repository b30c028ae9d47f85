"""The maps of the tuners against optimisers written by hand, predictions against the maps."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.solvers.tuners.bifurcation import bifurcation
from limitlab.solvers.tuners.predictions import tuner_predictions
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning

pytestmark = pytest.mark.interpreted

OPEN = ll.SharpnessToy(2.0, 1.0, 0.01)
BOUNDED = ll.SharpnessToy(2.0, 1.3, 0.02, bulk=(0.5, 0.1), bounded=0.02, start=(0.1, 0.1))
TUNERS = [
    ll.GradientDescent(0.8),
    ll.CDAT(2.0),
    ll.CDAT(1.3, ema=0.7, damping=1e-3, largest=1.5),
    ll.Armijo(0.2),
    ll.Armijo(0.1, backtrack=0.8, increase=1.2, first=0.3, largest=1.0),
    ll.Polyak(0.5),
    ll.Polyak(2.0, largest=0.9),
    ll.OnEdge(0.9),
    ll.OnEdge(1.0),
]


def by_hand(loss, gradient, hessian, sharpness, w, method, steps):
    """Gradient descent with a step that is chosen as the papers say, from numbers."""
    w, etas, states = np.array(w, float), [], []
    n = d = None
    last = getattr(method, "first", None)
    for _ in range(steps):
        g, H = gradient(w), hessian(w)
        if isinstance(method, ll.GradientDescent):
            eta = float(method.rate)
        elif isinstance(method, ll.OnEdge):
            eta = 2 * method.fraction / sharpness(w)
        elif isinstance(method, ll.Polyak):
            eta = min(method.scale * (loss(w) - method.minimum) / (g @ g), method.largest)
        elif isinstance(method, ll.CDAT):
            now = g @ g, abs(g @ H @ g) + method.damping
            n, d = (
                now
                if n is None
                else (
                    method.ema * old + (1 - method.ema) * new
                    for old, new in zip((n, d), now, strict=True)
                )
            )
            # averages that start at the first value weigh it more than those that start at 0
            eta = min(method.scale * n / d, method.largest)
        else:
            eta = min(method.increase * last, method.largest)
            while loss(w - eta * g) > loss(w) - method.c * eta * (g @ g):
                eta *= method.backtrack
            last = eta
        states.append(w)
        etas.append(eta)
        w = w - eta * g
    return np.array(states), np.array(etas)


def toy_by_hand(p):
    h = np.array(p.bulk)

    def loss(w):
        x, u, v = w[0], w[1], w[2:]
        valley = -p.alpha * u
        if p.bounded:
            valley = p.bounded * (u - p.alpha / p.bounded) ** 2 / 2
        return (p.l0 + p.k * u) * x**2 / 2 + valley + h @ v**2 / 2

    def gradient(w):
        x, u, v = w[0], w[1], w[2:]
        pull = p.bounded * u if p.bounded else 0.0
        return np.array([(p.l0 + p.k * u) * x, p.k * x**2 / 2 - p.alpha + pull, *(h * v)])

    def hessian(w):
        H = np.diag([p.l0 + p.k * w[1], p.bounded or 0.0, *h])
        H[0, 1] = H[1, 0] = p.k * w[0]
        return H

    return loss, gradient, hessian, lambda w: p.l0 + p.k * w[1]


def matched(method):
    """By hand an average starts at the first value; that is the map's only where ema is 0."""
    return replace(method, ema=0.0) if isinstance(method, ll.CDAT) else method


@pytest.mark.parametrize("method", TUNERS, ids=repr)
@pytest.mark.parametrize("problem", [OPEN, BOUNDED], ids=["open", "bounded"])
def test_map_of_the_toy_is_the_optimiser(problem, method):
    if isinstance(method, ll.Polyak) and problem.bounded is None:
        pytest.skip("there is no minimum")
    # where the steps of Polyak have no cap, an error grows tenfold in a step
    count = 8 if isinstance(method, ll.Polyak) and method.largest == np.inf else 50
    method, times = matched(method), np.arange(count)
    states, etas = by_hand(*toy_by_hand(problem), problem.start, method, count)
    curve = ll.solve(problem, method, times=times)
    scale = np.abs(states[:, 0]).max()
    np.testing.assert_allclose(curve.x, states[:, 0], atol=1e-13 * scale, rtol=0)
    sharp = problem.l0 + problem.k * states[:, 1]
    np.testing.assert_allclose(curve.sharpness, sharp, rtol=1e-13)
    np.testing.assert_allclose(curve.step, etas, rtol=1e-12)
    # negative control: a slightly other problem
    other = ll.solve(replace(problem, alpha=problem.alpha * (1 + 1e-9)), method, times=times)
    assert np.abs(other.sharpness - sharp).max() > 1e-13 * sharp.max()


@pytest.mark.parametrize("method", TUNERS[1:], ids=repr)
def test_ratio_map_is_the_optimiser(method):
    kappa = 6.0
    if isinstance(method, ll.CDAT):
        method = replace(method, ema=0.0, damping=0.0)
    H = np.diag([kappa, 1.0])
    loss = lambda w: w @ H @ w / 2, lambda w: H @ w, lambda w: H, lambda w: kappa
    states, etas = by_hand(*loss, (1.0, 2.0), method, 50)
    curve = ll.solve(ll.TwoCurvatures(kappa, (1.0, 2.0)), method, times=np.arange(50))
    np.testing.assert_allclose(curve.step, etas, rtol=1e-12)
    gradients = states * np.array([kappa, 1.0])
    expected = np.log(gradients[:, 0] ** 2 / gradients[:, 1] ** 2)
    np.testing.assert_allclose(curve.log_ratio, expected, atol=1e-12)
    np.testing.assert_allclose(curve.loss, np.sum(states**2 * [kappa, 1.0], axis=1) / 2, rtol=1e-12)


def test_averages_of_a_tuner_are_weighted_means():
    """With ema: numerator and denominator are means with the weights βʲ of the past."""
    method = ll.CDAT(1.3, ema=0.7)
    for problem in (OPEN, ll.TwoCurvatures(6.0)):
        run = ll.simulate(problem, method, times=np.arange(30))
        plain = ll.simulate(problem, ll.CDAT(1.3), times=np.arange(1, 2))
        assert run.step[0] == plain.step[0]
        theory = ll.solve(problem, method, times=np.arange(30))
        np.testing.assert_allclose(theory.step, run.step, rtol=1e-12)
    # on the quadratic they can be read off the run
    g = np.stack([6.0 * run["x_1"], run["x_2"]])
    n, d = np.sum(g**2, axis=0), 6.0 * g[0] ** 2 + g[1] ** 2
    weights = 0.7 ** np.subtract.outer(np.arange(30), np.arange(30)) * np.tri(30)
    np.testing.assert_allclose(run.step, 1.3 * (weights @ n) / (weights @ d), rtol=1e-12)


# ---- sanity values ----


@pytest.mark.slow
@pytest.mark.compiled
def test_sanity_values():
    assert tuner_predictions(ll.TwoCurvatures(5.0), ll.CDAT(1.3)).slope == pytest.approx(
        -0.2269231, abs=5e-8
    )
    point = tuner_predictions(ll.TwoCurvatures(4.0), ll.Polyak(1.0))
    assert (point.slope, point.ratio) == pytest.approx((-2 / 9, 4 / 11), rel=1e-12)
    toy = ll.SharpnessToy(4.0, 2**0.5, 1e-3 / 2**0.5, start=(2e-3**0.5 * 1.0001, 0.0))
    assert toy.sharpening == pytest.approx(1e-3) and toy.stabilising == pytest.approx(1.0)
    assert round(tuner_predictions(toy, ll.GradientDescent(0.5)).period, 2) == 280.99
    law = ll.SharpnessToy(2.0, 1.0, 0.01, start=(1e-6, 0.0))
    found = [
        ll.solve(law, ll.OnEdge(0.5), 20_000, points=2, limit=limit).sharpness[-1]
        for limit in ("slow", "map")
    ]
    assert [round(value, 4) for value in found] == [20.0998, 20.1003]


@pytest.mark.slow
@pytest.mark.compiled
def test_small_period_of_the_map():
    """281.00 steps of the map against 280.99, from maxima of y."""
    toy = ll.SharpnessToy(4.0, 2**0.5, 1e-3 / 2**0.5, start=(1e-3**0.5 * 1.01, 0.0))
    curve = ll.solve(toy, ll.GradientDescent(0.5), times=np.arange(1500))
    y = curve.edge - 2
    up = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    crossings = up - y[up] / (y[up + 1] - y[up])
    assert np.diff(crossings).mean() == pytest.approx(281.00, abs=0.05)


# ---- predictions against maps ----


@pytest.mark.slow
@pytest.mark.compiled
def test_average_follows_the_map():
    """Errors of order η √a: a quarter of a is half the error."""
    errors = []
    for a in (4e-4, 1e-4):
        toy = ll.SharpnessToy(4.0, 2**0.5, a / 2**0.5, start=(0.3 * a**0.5, 0.0))
        cycle = tuner_predictions(toy, ll.GradientDescent(0.5))
        exact = ll.solve(toy, ll.GradientDescent(0.5), times=np.arange(int(cycle.period)))
        average = ll.solve(
            toy, ll.GradientDescent(0.5), times=np.arange(int(cycle.period)), limit="averaged"
        )
        highest = (exact.edge - 2).max()
        errors.append(abs(highest / cycle.overshoot - 1))
        assert (average.edge - 2).max() == pytest.approx(cycle.overshoot, rel=1e-3)
    assert errors[1] < 0.02 and errors[0] / errors[1] == pytest.approx(2, rel=0.3)


def test_modulus_of_the_spiral():
    eta, a = 0.5, 1e-2
    toy = ll.SharpnessToy(4.0, 2**0.5, a / 2**0.5, start=(a**0.5 * (1 + 1e-6), 0.0))
    curve = ll.solve(toy, ll.GradientDescent(eta), times=np.arange(201))
    # in units in which small circles are round
    radius = np.hypot((np.abs(curve.x) - a**0.5) * eta * 2**0.5, curve.edge - 2)
    found = np.exp(np.polyfit(np.arange(201), np.log(radius), 1)[0])
    predicted = tuner_predictions(toy, ll.GradientDescent(eta)).modulus
    assert found - 1 == pytest.approx(predicted - 1, rel=0.02)


@pytest.mark.slow
@pytest.mark.compiled
def test_exactly_on_the_edge_the_amplitude_is_frozen():
    toy = ll.SharpnessToy(2.0, 1.0, 0.01, start=(0.05, 0.0))
    exact = ll.solve(toy, ll.OnEdge(1.0), 2000)
    np.testing.assert_allclose(np.abs(exact.x), 0.05, rtol=1e-12)
    law = ll.solve(toy, ll.OnEdge(1.0), 2000, limit="slow")
    # a sum for an integral: relative O(ln t/t)
    np.testing.assert_allclose(exact.sharpness[50:], law.sharpness[50:], rtol=np.log(1000) / 1000)


@pytest.mark.slow
@pytest.mark.compiled
def test_cdat_on_the_edge_pins_the_sharpness_and_below_it_does_not():
    toy = ll.SharpnessToy(2.0, 1.0, 0.01, start=(0.05, 0.0))
    pinned = ll.solve(toy, ll.CDAT(2.0), 4000)
    assert abs(pinned.sharpness[-1] / pinned.sharpness[-20] - 1) < 1e-6
    assert abs(pinned.x[-1]) == pytest.approx(toy.balance, rel=1e-3)
    assert pinned.edge[-1] == pytest.approx(2, abs=1e-4)
    below = ll.solve(toy, ll.CDAT(1.9), 4000)
    law = ll.solve(toy, ll.CDAT(1.9), 4000, limit="slow")
    assert below.sharpness[-1] > 3 * pinned.sharpness[-1]
    np.testing.assert_allclose(below.sharpness[5:], law.sharpness[5:], rtol=0.02)
    q = (below.x[50:] / toy.balance) ** 2
    np.testing.assert_allclose(q, law.q[50:], rtol=0.05)


@pytest.mark.parametrize(
    "kappa, method",
    [(5.0, ll.CDAT(1.3)), (8.0, ll.CDAT(0.3)), (4.0, ll.Polyak(1.0)), (8.0, ll.Polyak(2.6))],
)
def test_slope_by_perturbation(kappa, method):
    """Two starts near the fixed point: μ to 1e-3; in a stable window both modes shrink alike."""
    point = tuner_predictions(ll.TwoCurvatures(kappa), method)
    assert point.stable
    logs = []
    for shift in (0.0, 1e-4):
        ratio = point.ratio * np.exp(shift)
        curve = ll.solve(ll.TwoCurvatures(kappa, (ratio**0.5 / kappa, 1.0)), method, times=[1, 400])
        logs.append(curve.log_ratio[1])
    assert (logs[1] - logs[0]) / 1e-4 == pytest.approx(point.slope, abs=1e-3)
    assert [curve.growth_1[-1], curve.growth_2[-1]] == pytest.approx([point.rate] * 2, abs=1e-8)


def test_two_windows_of_stability():
    """CDAT at κ = 8: stable below 4κ/(κ + 1)² and above 1, not in between; and who wins beyond."""
    scales = np.array([0.15, 0.3, 0.7, 1.2, 1.85])
    found = bifurcation(ll.TwoCurvatures(8.0), ll.CDAT(1.0), "scale", scales, steps=600, keep=40)
    edge, spread = found.samples["edge"], np.ptp(found.samples["edge"], axis=1)
    points = [tuner_predictions(ll.TwoCurvatures(8.0), ll.CDAT(s)) for s in scales]
    assert [p.stable for p in points] == [False, True, False, True, False]
    assert spread[1] < 1e-9 and spread[3] < 1e-9 and spread[2] > 0.1
    assert [p.winner for p in points] == ["flat", "", "", "", "sharp"]
    assert edge[0, -1] / 8 == pytest.approx(0.15, rel=1e-6)  # ηλ₂ → σ
    assert edge[4, -1] == pytest.approx(1.85, rel=1e-6)  # ηλ₁ → σ


@pytest.mark.slow
@pytest.mark.compiled
def test_greedy_zigzag_and_polyak_at_the_edge_on_average():
    curve = ll.solve(ll.TwoCurvatures(7.0), ll.CDAT(1.0), times=np.arange(50))
    np.testing.assert_allclose(1 / curve.step[:-1] + 1 / curve.step[1:], 8.0, rtol=1e-12)
    flat = ll.solve(ll.TwoCurvatures(2.5), ll.Polyak(1.0), times=[200])
    assert flat.edge[-1] == pytest.approx(1.25, rel=1e-6)  # κ < 3: ηλ₁ → κ/2
    spiky = bifurcation(
        ll.TwoCurvatures(30.0), ll.Polyak(1.0), "kappa", [30.0], steps=20_000, keep=19_000
    )
    rates = [spiky.samples[f"growth_{i}"].mean() for i in (1, 2)]
    # the ratio stays bounded, so that the means differ by its range over the steps
    assert abs(rates[0] - rates[1]) < np.ptp(spiky.samples["log_ratio"]) / 19_000
    assert spiky.samples["edge"].max() > 4


def test_armijo_accepts_up_to_its_bound():
    c = 0.2
    curve = ll.solve(ll.TwoCurvatures(5.0), ll.Armijo(c, backtrack=0.98), times=np.arange(60))
    share = 1 / (1 + np.exp(-curve.log_ratio))
    bend = 5 * share + 1 - share
    assert np.all(curve.step <= 2 * (1 - c) / bend * (1 + 1e-12))


# ---- one statement ----


@pytest.mark.parametrize(
    "problem, method",
    [(OPEN, ll.CDAT(2.0)), (BOUNDED, ll.Polyak()), (ll.TwoCurvatures(5.0), ll.CDAT(1.3))],
    ids=["open", "bounded", "pair"],
)
def test_given_system_is_the_one_solved(problem, method):
    system = ll.derive(problem, method)
    changed = replace(system, after=(system.after[0] * sp.Float(1.05), *system.after[1:]))
    own, other = (ll.solve(problem, method, times=[1], system=s) for s in (None, changed))
    name = "log_ratio" if isinstance(problem, ll.TwoCurvatures) else "x"
    assert other[name][1] == pytest.approx(1.05 * own[name][1], rel=1e-12)
    assert changed.source != system.source and changed.latex() != system.latex()


def test_planted_error_in_the_slow_law():
    theory = ll.derive(OPEN, ll.OnEdge(0.5), limit="slow")
    wrong = replace(theory, equations=tuple((a, 1.1 * b) for a, b in theory.equations))
    own, other = (
        ll.solve(OPEN, ll.OnEdge(0.5), 100, limit="slow", system=s).sharpness[-1] ** 2 - 4
        for s in (None, wrong)
    )
    assert other == pytest.approx(1.1 * own, rel=1e-9)


def test_the_slow_law_of_cdat_says_how_far_it_is_off():
    """Near 2 the law is far off, and its warning is the true gap; at 1.5 it keeps silent."""
    with pytest.warns(ValidityWarning, match="slow law is off by") as said:
        law = ll.solve(OPEN, ll.CDAT(1.999), 3000, limit="slow", points=2).sharpness[-1]
    exact = ll.solve(OPEN, ll.CDAT(1.999), 3000, points=2).sharpness[-1]
    assert f"{100 * (law / exact - 1):+.3g} %" in str(said[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ValidityWarning)
        ll.solve(OPEN, ll.CDAT(1.5), 3000, limit="slow", points=2)


# ---- how it ends ----


def test_states():
    ended = ll.solve(BOUNDED, ll.Polyak(), 3000)
    assert ended.provenance["state"] == "converged" and np.all(np.isfinite(ended.step))
    assert ll.solve(OPEN, ll.OnEdge(0.5), 300).provenance["state"] == "drifting"
    assert ll.solve(OPEN, ll.OnEdge(1.0), 300).provenance["state"] == "oscillating"
    assert ll.solve(ll.TwoCurvatures(5.0), ll.CDAT(1.3), 50).provenance["state"] == "converging"
    with pytest.warns(ValidityWarning, match="diverged at step"):
        lost = ll.solve(ll.TwoCurvatures(5.0), ll.GradientDescent(0.6), 10_000)
    assert lost.provenance["state"] == "diverged"
    with pytest.warns(ValidityWarning, match="sharpness became negative"):
        left = ll.solve(replace(OPEN, start=(3.0, 0.0)), ll.GradientDescent(0.5), 100)
    assert left.provenance["state"] == "left_branch" and np.isnan(left.loss[-1])


def test_a_minimum_that_is_none():
    with pytest.raises(InvalidInput, match="minimum"):
        ll.solve(BOUNDED, ll.Polyak(minimum=0.1), 50)


def test_what_is_not_predicted():
    for problem, method in (
        (BOUNDED, ll.CDAT(1.9)),
        (OPEN, ll.Armijo(0.1)),
        (OPEN, ll.OnEdge(1.1)),
        (ll.TwoCurvatures(3.0), ll.OnEdge(1.0)),
        (ll.TwoCurvatures(3.0), ll.CDAT(1.0, ema=0.5)),
    ):
        with pytest.raises(NotAvailable):
            tuner_predictions(problem, method)
    for verb in (tuner_predictions, lambda *given: bifurcation(*given, "scale", [1.0])):
        with pytest.raises(ll.InvalidType, match="problem"):
            verb(ll.LinearModel(spectrum=[1.0]), ll.CDAT(1.0))
        with pytest.raises(ll.InvalidType, match="method"):
            verb(OPEN, 0.5)
    with pytest.raises(NotAvailable, match="field"):
        bifurcation(OPEN, ll.CDAT(2.0), "rate", [1.0])
    with pytest.raises(NotAvailable, match="noise"):
        ll.solve(replace(OPEN, noise=0.1), ll.CDAT(2.0), 10)


def test_rates_per_step_are_the_variant_of_the_map():
    """x⁺ = −(1 + y)x and λ⁺ = λ + a − b x², whatever the step; by hand and in (x, u)."""
    toy = replace(OPEN, per_step=True, start=(0.05, 0.3))
    a, b, rate = toy.sharpening, toy.stabilising, 0.8
    x, lam, expected = 0.05, toy.sharpness, []
    for _ in range(31):
        expected.append((x, lam))
        x, lam = -(rate * lam - 1) * x, lam + a - b * x**2
    for verb in (ll.solve, ll.simulate):
        curve = verb(toy, ll.GradientDescent(rate), 30, points=31)
        np.testing.assert_allclose(curve.x, [one for one, _ in expected], rtol=1e-12)
        np.testing.assert_allclose(curve.sharpness, [one for _, one in expected], rtol=1e-12)
    # negative control: descent moves λ by the rate times that
    other = ll.solve(replace(toy, per_step=False), ll.GradientDescent(rate), 30, points=31)
    assert np.abs(other.sharpness - curve.sharpness).max() > 1e-3


def test_the_circles_of_rates_per_step():
    """Their period, 2π/√(2ηa), is that of the map and of the average; the slow law has none."""
    toy = ll.SharpnessToy(2.0, np.sqrt(2.0), 1e-3 / np.sqrt(2.0), per_step=True)
    start = (1.02 * toy.balance, (4.0 - 2.0) / np.sqrt(2.0))
    toy, method = replace(toy, start=start), ll.GradientDescent(0.5)
    found = tuner_predictions(toy, method)
    assert found.period == pytest.approx(2 * np.pi / np.sqrt(2 * 0.5 * 1e-3), rel=1e-12)
    y = ll.solve(toy, method, 800, points=801).edge - 2
    turns = np.flatnonzero((y[:-1] < 0) & (y[1:] >= 0))
    # the map's angle in a step is that of 1 ± iω: relative order ω²
    assert np.diff(turns).mean() == pytest.approx(found.period, abs=1.5)
    smooth = ll.solve(toy, method, 800, points=801, limit="averaged").edge - 2
    turns = np.flatnonzero((smooth[:-1] < 0) & (smooth[1:] >= 0))
    assert np.diff(turns).mean() == pytest.approx(found.period, abs=1.5)
    with pytest.raises(NotAvailable, match="slow law"):
        ll.solve(replace(toy, start=None), ll.OnEdge(0.9), 10, limit="slow")
    with pytest.raises(InvalidInput, match="per_step"):
        replace(toy, per_step=1)
