"""Early alignment against networks, the flow against its closed form, and what is refused."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.core.blas import one_thread
from limitlab.solvers.feature_alignment.correlations import similarity

TEACHER = np.array([1.0, 0.5, -0.5, 0.8, 1.5])
SLOW_ROUNDING = 1e-9


def random_teacher(d, seed=0):
    B = np.random.default_rng(seed).standard_normal((d, d))
    return (B + B.T) / np.sqrt(2 * d)


# ---- early times ----


def test_sanity_values():
    """The values printed in the specification, to their digits."""
    half = ll.QuadraticNetwork.reversing(200, 100, 16)
    assert ll.early_alignment(half, "wide").value == pytest.approx(8 / 17, abs=1e-12)
    assert ll.early_alignment(half, "wide").bound == pytest.approx(8 / 17, abs=1e-12)
    assert ll.early_alignment(half, "limit").value == pytest.approx(0.79017, abs=5e-6)
    white = ll.QuadraticNetwork(200, 100, np.ones(100))
    assert ll.early_alignment(white, "limit").value == pytest.approx(0.944911, abs=5e-7)


@pytest.mark.parametrize("dense", [False, True])
def test_the_exact_formula_is_what_a_network_does_at_its_first_step(dense):
    """On n samples, through every unit and every sample: forward, backward, one short step."""
    rng = np.random.default_rng(5)
    n, k, d = 60, 6, 4
    X = rng.standard_normal((n, d)) @ (rng.standard_normal((d, d)) if dense else np.eye(d))
    r, W, a = rng.standard_normal(n), rng.standard_normal((k, d)), rng.standard_normal(k)
    slopes = a * (X @ W.T)  # ∂f/∂h, sample by sample
    velocity = np.einsum("n,nk,nd->kd", r, slopes, X) / n
    K = slopes.T @ slopes / n
    found = similarity(velocity.T @ velocity, velocity.T @ K @ velocity)
    S, M = X.T @ X / n, X.T @ (r[:, None] * X) / n
    assert ll.early_alignment_of(W, a, S, M) == pytest.approx(found, abs=SLOW_ROUNDING)
    # negative control: labels that are 1 % off
    off = ll.early_alignment_of(W, a, S, M + 0.01 * np.abs(M).max() * np.eye(d))
    assert abs(off - found) > 1e3 * SLOW_ROUNDING


def test_the_exact_formula_is_the_trace_formula():
    problem = ll.QuadraticNetwork(
        9, 5, random_teacher(5), random_teacher(5) + 3 * np.eye(5), readout="gaussian", paired=False
    )
    S = problem.inputs
    M = S @ (problem.teacher - problem.network) @ S
    P, Q = M @ M, problem.weights.T @ np.diag(problem.readouts**2) @ problem.weights
    top = np.trace(Q @ P @ Q @ S @ Q @ P)
    below = np.trace(Q @ P @ Q @ P) * np.trace(Q @ S @ Q @ P @ Q @ S @ Q @ P)
    found = ll.early_alignment(problem)
    assert found.value == pytest.approx(top / np.sqrt(below), abs=1e-12)
    assert found.numerator == pytest.approx(top / 5, rel=1e-12)


def test_centred_correlation_starts_at_the_formula():
    """Linearly in time, so that two short times extrapolate to second order."""
    problem = ll.QuadraticNetwork(8, 5, TEACHER, seed=3)
    early = ll.early_alignment(problem).value
    h = 1e-4
    curve = ll.solve(problem, ll.GradientDescent(0.1), times=[h, 2 * h])
    assert curve.centred_alignment[0] == pytest.approx(early, abs=1e-12)
    one, two = curve.centred_alignment[1:]
    assert abs(2 * one - two - early) < 0.05 * abs(one - early)


def test_spectra_and_matrices_have_one_limit():
    S, B = np.linspace(0.5, 2, 6), np.linspace(-1, 1.5, 6)
    flat = ll.QuadraticNetwork(12, 6, B, S, readout="gaussian")
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    B2, S2 = ((turn * x) @ turn.T for x in (B, S))
    full = ll.QuadraticNetwork(12, 6, (B2 + B2.T) / 2, (S2 + S2.T) / 2, readout="gaussian")
    for form in ("limit", "wide"):
        one, two = (ll.early_alignment(p, form).value for p in (flat, full))
        assert one == pytest.approx(two, abs=1e-12)


def test_wide_is_the_end_of_the_limit_and_above_its_bound():
    S, B = np.linspace(0.5, 8, 7), np.linspace(-1, 1.5, 7)
    wide = ll.early_alignment(ll.QuadraticNetwork(2, 7, B, S), "wide")
    far = ll.early_alignment(ll.QuadraticNetwork(2 * 10**9, 7, B, S), "limit").value
    assert far == pytest.approx(wide.value, abs=1e-7)
    assert wide.value >= wide.bound


@pytest.mark.slow
def test_draws_tend_to_the_limit_like_one_over_d():
    """Sign readouts. The mean over draws is made sharp by six traces whose means are known."""
    biases, errors, sizes = [], [], (64, 128, 256)
    for d, draws in zip(sizes, (4000, 2000, 1000), strict=True):
        problem = ll.QuadraticNetwork.reversing(2 * d, d, 16)
        limit = ll.early_alignment(problem, "limit").value
        with one_thread():
            mean, error = controlled_mean(problem, draws)
        biases.append(mean - limit)
        errors.append(error)
    slope = np.polyfit(np.log(sizes), np.log(np.abs(biases)), 1)[0]
    assert -1.2 < slope < -0.8
    # within four standard errors of what the two smaller sizes say of the largest
    expected = biases[1] / 2
    assert abs(biases[2] - expected) < 4 * np.hypot(errors[2], errors[1] / 2)
    # negative control: a limit with another d/k is seen
    other = ll.early_alignment(ll.QuadraticNetwork.reversing(540, 256, 16), "limit").value
    assert abs(limit + biases[2] - other) > 4 * errors[2]


def controlled_mean(problem, draws):
    """Mean of the exact correlation and its standard error, by regression on traces of QP … ."""
    d = k = problem.dimension
    S = problem.inputs / problem.inputs.max()
    P = (problem.inputs**2 * problem.teacher) ** 2
    P = P / P.max()
    rng = np.random.default_rng(d)
    values, traces = np.empty(draws), np.empty((draws, 6))
    for i in range(draws):
        W = rng.standard_normal((k, d)) / np.sqrt(k)
        Q = W.T @ W
        QP, QS = Q * P, Q * S
        H, X = QP @ QS, QP @ QP
        top, one, two = np.vdot(H.T, QP), np.trace(X), np.vdot(H.T, H)
        values[i] = top / np.sqrt(d) / np.sqrt(one * two / d)
        traces[i] = (
            np.array([np.trace(QP), one, np.trace(H), np.vdot(QS.T, QS), np.trace(QS), np.trace(Q)])
            / d
        )

    def pair(x, y):  # E tr QXQY for a real Wishart matrix
        return np.mean(x * y) * (1 + 1 / k) + d / k * np.mean(x) * np.mean(y)

    known = [P.mean(), pair(P, P), pair(P, S), pair(S, S), S.mean(), 1.0]
    design = np.column_stack([np.ones(draws), traces - known])
    fit = np.linalg.lstsq(design, values, rcond=None)[0]
    return fit[0], (values - design @ fit).std() / np.sqrt(draws)


# ---- all times ----


def test_closed_form_is_the_flow():
    problem = ll.QuadraticNetwork(7, 5, random_teacher(5), readout="ones")
    method = ll.GradientDescent(0.01)
    flow, exact = (ll.solve(problem, method, 4, limit=n, points=9) for n in ("flow", "closed"))
    for name in ("NFM", "AGOP", "loss", "alignment"):
        np.testing.assert_allclose(flow[name], exact[name], atol=1e-8)
    np.testing.assert_allclose(exact["AGOP"], exact["NFM"] @ exact["NFM"], atol=1e-12)
    # one dimension
    one = ll.QuadraticNetwork(1, 1, [0.7], readout="ones", start=[[0.3]])
    t = np.linspace(0, 4, 9)
    grown = np.exp(1.4 * t)
    scalar = 0.09 * grown / (1 + 0.09 * (grown - 1) / 0.7)
    found = ll.solve(one, method, 4, limit="closed", points=9)["NFM"][:, 0, 0]
    np.testing.assert_allclose(found, scalar, rtol=1e-12)


def test_descent_tends_to_the_flow_at_first_order():
    problem = ll.QuadraticNetwork(8, 5, TEACHER, train_readout=True, centred=False)
    flow = ll.solve(problem, ll.GradientDescent(0.1), 1, points=2)
    gaps = [
        abs(
            ll.solve(problem, ll.GradientDescent(h), 1, points=2, limit="map").loss[-1]
            - flow.loss[-1]
        )
        for h in (0.01, 0.005)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.05)


def test_sixteen_terms_sum_to_the_whole_and_the_centred_one_takes_over():
    rng = np.random.default_rng(1)
    W0, move = rng.standard_normal((2, 4, 3))
    K = np.cov(rng.standard_normal((4, 9)))
    W = W0 + 100 * move
    found = ll.feature_alignment(W, W0, K)
    assert len(found.terms) == 16
    whole = np.trace(W.T @ W @ W.T @ K @ W)
    assert sum(found.terms.values()) == pytest.approx(whole, rel=1e-12)
    assert found.terms["cccc"] / whole == pytest.approx(1, abs=0.1)
    # features of any size: nothing underflows
    tiny = ll.feature_alignment(1e-90 * W, 1e-90 * W0, K)
    assert tiny.centred_alignment == pytest.approx(found.centred_alignment, rel=1e-12)


def test_both_correlations_are_switchable():
    problem = ll.QuadraticNetwork(8, 5, TEACHER)
    method = ll.GradientDescent(0.1)
    one, two = (
        ll.solve(problem, method, 1, points=3, correlation=c) for c in ("cosine", "pearson")
    )
    N, G = one["NFM"][-1], one["AGOP"][-1]
    assert two.alignment[-1] == pytest.approx(np.corrcoef(N.ravel(), G.ravel())[0, 1], abs=1e-12)
    assert abs(one.alignment[-1] - two.alignment[-1]) > 1e-3


def test_speed_limited_descent_moves_each_layer_by_its_speed():
    problem = ll.QuadraticNetwork(8, 5, TEACHER, train_readout=True)
    curve = ll.solve(problem, ll.SpeedLimited(0.01, (0.3, 0.0)), times=[0.01])
    moved = curve.displacement[-1] * np.linalg.norm(problem.weights)
    assert moved == pytest.approx(0.003, rel=1e-9)
    far = ll.solve(problem, ll.SpeedLimited(0.01, (1.0, 1.0), target=1e-9), 1, points=3)
    assert far.provenance["state"] == "target not reached"
    near = ll.solve(
        problem, ll.SpeedLimited(0.01, (1.0, 1.0), target=0.9 * far.loss[0]), 5, points=3
    )
    assert near.provenance["state"] == "target reached"
    assert near.loss[-1] == near.loss[-2] < 0.9 * far.loss[0]


def test_noise_of_batches_is_warned_of_and_announced():
    problem = ll.QuadraticNetwork(8, 5, TEACHER)
    with pytest.warns(ll.ValidityWarning, match="a batch of 500"):
        curve = ll.solve(problem, ll.SGD(1.0, batch=4), times=[1.0], limit="map")
    assert curve.diagnostics["finite_size"][-1] > 0
    with pytest.warns(ll.ValidityWarning, match="diverged"):
        ll.solve(problem, ll.GradientDescent(100.0), times=[2000.0], limit="map")


# ---- refusals ----


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"inputs": [1, 1, 1, 1, 2.0]}, "inputs"),
        ({"readout": "signs"}, "readout"),
        ({"train_readout": True}, "train_readout"),
        ({"centred": False}, "centred"),
    ],
)
def test_the_closed_form_says_what_it_needs(change, field):
    given = {"readout": "ones"} | change
    problem = ll.QuadraticNetwork(8, 5, TEACHER, **given)
    with pytest.raises(ll.NotAvailable) as caught:
        ll.solve(problem, ll.GradientDescent(0.1), 1, limit="closed")
    assert caught.value.field == field


def test_early_times_refuse_what_they_cannot_say():
    started = ll.QuadraticNetwork(8, 5, TEACHER, paired=False)
    with pytest.raises(ll.NotAvailable, match="exact"):
        ll.early_alignment(started, "limit")
    problem = ll.QuadraticNetwork(8, 5, TEACHER)
    for moments in ([1, 1, 1], [1, 3, -15, 105], [1, 0.5, 0.1, 0.1]):
        with pytest.raises(ll.InvalidInput) as caught:
            ll.early_alignment(problem, "limit", moments=moments)
        assert caught.value.field == "moments"
    with pytest.raises(ll.NotAvailable, match="moments"):
        ll.early_alignment(problem, moments=[1, 1, 1, 1])
    with pytest.raises(ll.InvalidInput, match="form"):
        ll.early_alignment(problem, "wild")
    with pytest.raises(ll.InvalidType, match="problem"):
        ll.early_alignment(3)
    with pytest.raises(ll.InvalidInput, match="teacher"):
        ll.early_alignment(ll.QuadraticNetwork(8, 5, np.zeros(5)), "limit")


def test_undefined_before_the_first_step():
    with pytest.raises(ll.InvalidInput, match="before the first step"):
        ll.feature_alignment(np.eye(2), np.eye(2), np.eye(2))
    with pytest.raises(ll.InvalidInput, match="tangent"):
        ll.feature_alignment(np.eye(2), np.ones((2, 2)), np.eye(3))
    with pytest.raises(ll.InvalidInput, match="symmetric"):
        ll.early_alignment_of(np.eye(2), [1, 1], [[1, 1], [0, 1]], np.eye(2))
    with pytest.raises(ll.InvalidInput, match="labels"):
        ll.early_alignment_of(np.eye(2), [1, 1], np.eye(2), np.eye(3))
    with pytest.raises(ll.NotAvailable, match="map"):
        ll.solve(ll.QuadraticNetwork(8, 5, TEACHER), ll.SpeedLimited(0.1), 1, limit="flow")
