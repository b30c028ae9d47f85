"""Maps of one unit, minima under noise, and traces of a network with squares."""

import numpy as np
import pytest

import limitlab as ll

SMOOTH = ll.SingleIndex(100, norm=0.8, overlap=0.3)


@pytest.mark.slow
def test_small_steps_follow_the_flow():
    """The error of n steps of size h is of order h."""
    gaps = []
    for rate in (0.1, 0.05):
        flow = ll.solve(SMOOTH, ll.GradientDescent(rate), 4, limit="flow", points=5)
        steps = ll.solve(SMOOTH, ll.GradientDescent(rate), times=np.rint(flow.time / rate))
        gaps.append(np.abs(steps["overlap"] / flow["overlap"] - 1).max())
    assert gaps[0] / gaps[1] == pytest.approx(2, rel=0.1)


def test_minima_under_noise():
    """The trace loses the unit at half the strength of its Gauss–Newton part; noise does not."""
    best = {
        kind: [ll.penalised_minima(ll.GELU(), s2, kind).collapsed for s2 in (0.7, 1.0, 1.5, 2.1)]
        for kind in ("exact", "hessian", "gauss-newton")
    }
    assert best["exact"] == [False] * 4
    assert best["hessian"] == [False, True, True, True]
    assert best["gauss-newton"] == [False, False, False, True]
    assert ll.penalised_minima(ll.GELU(), 0.0).best == pytest.approx(1, abs=1e-6)


def test_several_minima_are_all_returned():
    found = ll.penalised_minima(ll.GELU(4.0), 0.3, "hessian")
    assert found.positions.size == 2 and found.values[0] < found.values[1]
    with pytest.raises(ll.InvalidInput, match="variance"):
        ll.penalised_minima(ll.GELU(), -1.0)
    with pytest.raises(ll.InvalidInput, match="objective"):
        ll.penalised_minima(ll.GELU(), 1.0, "trace")


# ---- network with squares ----

RNG = np.random.default_rng(0)
W, A, B = RNG.standard_normal((3, 4)), RNG.standard_normal(3), RNG.standard_normal((4, 4))
B = B + B.T


def loss(weights, readout):
    return float(np.sum(((weights.T * readout) @ weights - B) ** 2)) / 4


def laplacian(function, point, step=1e-2):
    """tr of the Hessian of a polynomial of degree four: differences of order four are exact."""
    total = 0.0
    for place in np.ndindex(point.shape):
        e = np.zeros_like(point)
        e[place] = step
        near = function(point + e) + function(point - e)
        far = function(point + 2 * e) + function(point - 2 * e)
        total += (16 * near - far - 30 * function(point)) / (12 * step**2)
    return total


def test_traces_of_a_network_with_squares():
    found = ll.quadratic_traces(W, A, B)
    assert found.loss == pytest.approx(loss(W, A), rel=1e-14)
    assert found.hessian == pytest.approx(laplacian(lambda w: loss(w, A), W), rel=1e-9)
    both = ll.quadratic_traces(W, A, B, train_readout=True)
    more = laplacian(lambda a: loss(W, a), A)
    assert both.hessian == pytest.approx(found.hessian + more, rel=1e-9)
    assert found.bounded and not both.bounded


def test_the_noisy_loss_is_exact():
    """Against drawn noise, with a control at another σ."""
    sigma, rng = 0.3, np.random.default_rng(1)
    draws = np.array([loss(W + sigma * rng.standard_normal(W.shape), A) for _ in range(20_000)])
    error = draws.std(ddof=1) / np.sqrt(draws.size)
    assert abs(draws.mean() - ll.quadratic_traces(W, A, B, noise=sigma).noisy_loss) < 4 * error
    assert abs(draws.mean() - ll.quadratic_traces(W, A, B, noise=0.35).noisy_loss) > 4 * error
    # the first order in σ² is half the trace
    small = ll.quadratic_traces(W, A, B, noise=1e-3)
    assert (small.noisy_loss - small.loss) / 1e-6 == pytest.approx(small.hessian / 2, rel=1e-5)


def test_bad_networks_are_refused():
    with pytest.raises(ll.InvalidInput, match="symmetric"):
        ll.quadratic_traces(W, A, np.triu(B))
    with pytest.raises(ll.InvalidInput, match="readout"):
        ll.quadratic_traces(W, A[:2], B)
    with pytest.raises(ll.InvalidInput, match="noise"):
        ll.quadratic_traces(W, A, B, noise=-0.1)
