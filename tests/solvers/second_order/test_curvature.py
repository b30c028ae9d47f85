"""The two curvatures: their law, and what the lazy one keeps exactly."""

import numpy as np
import pytest

from limitlab.solvers.core import random
from limitlab.solvers.second_order.curvature import DenseCurvature, LazyCurvature

D, P, Q = 3, 12, 0.5
ROOT = np.random.SeedSequence(7)


def directions(count):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(P) for _ in range(count)]


def lazy(k, room=8):
    return LazyCurvature(random.child(ROOT, k), (D, P), Q, room)


def test_what_is_revealed_is_symmetric():
    """e_iᵀ Q_a e_j = e_jᵀ Q_a e_i, to the rounding of the float32 storage."""
    curvature = lazy(0)
    for x in directions(6):
        curvature.apply(x)
    inner = np.einsum("ip,ajp->aij", curvature.directions, curvature.revealed)
    scale = np.abs(inner).max()
    np.testing.assert_allclose(inner, inner.transpose(0, 2, 1), atol=3e-7 * scale)


def test_it_is_linear_and_remembers():
    curvature = lazy(1)
    x, y, *_ = directions(3)
    first = curvature.apply(x)
    both = curvature.apply(2 * x - 3 * y)
    np.testing.assert_allclose(curvature.apply(x), first, atol=1e-5)
    np.testing.assert_allclose(curvature.apply(y), (2 * first - both) / 3, atol=1e-5)
    assert len(curvature.directions) == 2


def test_no_more_directions_than_parameters():
    curvature = lazy(2, room=P)
    for x in directions(P + 3):
        curvature.apply(x)
    assert len(curvature.directions) == P


def test_the_opposite_is_opposite_where_known():
    curvature = lazy(3)
    x, y, *_ = directions(3)
    known = curvature.apply(x)
    partner = curvature.opposite()
    np.testing.assert_allclose(partner.apply(x), -known, atol=1e-6)
    assert not np.allclose(partner.apply(y), -curvature.apply(y))


def forms(apply, x, y):
    """Values whose second moments fix the law on two directions."""
    a, b = apply(x), apply(y)
    return np.array([(a @ x)[0], (a @ y)[0], (b @ y)[0], (a @ a.T)[0, 0], (b @ b.T)[0, 0]])


def second_moments(draw, runs):
    x = np.eye(P)[0]
    y = (np.eye(P)[0] + np.eye(P)[1]) / np.sqrt(2)
    values = np.array([forms(draw(k).apply, x, y) for k in range(runs)])
    squares = np.column_stack([values[:, :3] ** 2, values[:, 0] * values[:, 2], values[:, 3:]])
    return squares.mean(axis=0), squares.std(axis=0, ddof=1) / np.sqrt(runs)


#: E of the squares of xᵀQx, xᵀQy, yᵀQy, of xᵀQx·yᵀQy, and of |Qx|², |Qy|², for x·y = 1/√2
LAW = Q * np.array([2.0, 1.5, 2.0, 1.0, P + 1, P + 1])


def dense(k):
    return DenseCurvature.draw(random.child(ROOT, k), (1, P), Q)


def narrow(k):
    return LazyCurvature(random.child(ROOT, k), (1, P), Q, 2)


@pytest.mark.parametrize("draw", [dense, narrow])
def test_law(draw):
    mean, error = second_moments(draw, 1500)
    assert np.all(np.abs(mean - LAW) < 4.5 * error)


def test_a_diagonal_of_variance_q_is_rejected():
    """Negative control."""

    def wrong(k):
        tensor = dense(k).tensor
        tensor[:, range(P), range(P)] /= np.sqrt(2)
        return DenseCurvature(tensor)

    mean, error = second_moments(wrong, 1500)
    assert np.max(np.abs(mean - LAW) / error) > 8
