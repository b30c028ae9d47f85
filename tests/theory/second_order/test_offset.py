"""The offset from the edge in many dimensions: derivation, the exact motion, planted errors."""

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.second_order import motion, offset


@pytest.fixture(scope="module")
def theory():
    return offset.offset_theory()


def test_the_average_and_what_it_conserves(theory):
    y, z, c = offset.y, offset.z, offset.c
    assert theory["z_rate"] == y * z and theory["y_rate"] == -c * z**2
    flow = {y: theory["y_rate"], z: theory["z_rate"]}
    kept = theory["conserved"]
    assert sp.expand(sum(sp.diff(kept, x) * rate for x, rate in flow.items())) == 0
    assert sp.simplify(theory["y_end"].subs(z, 0) ** 2 - y**2) == 0


def test_only_what_leaves_the_rows_counts(theory):
    steps = {str(step.left): step.right for step in theory.steps}
    curvatures = {str(s) for s in steps["y_rate"].free_symbols if str(s).startswith("q")}
    assert curvatures == {"q_u_un"}
    rng = np.random.default_rng(1)
    Q, J = rng.standard_normal((5, 5)), rng.standard_normal((3, 5))
    u = rng.standard_normal((3, 1))
    moved = Q @ J.T @ u
    off = moved - np.linalg.pinv(J) @ J @ moved
    found = theory.functions["leaving"](u=u, Q_u=Q, J=J)
    assert found == pytest.approx(float(np.sum(off**2)), rel=1e-10)


def end_of_descent(y, rng):
    """Offset at the end over the excess at the start, of the exact motion at D = 3, P = 8."""
    values = np.sqrt([2 + y, 1.1, 0.6])
    left, right = (np.linalg.qr(rng.standard_normal((n, 3)))[0] for n in (3, 8))
    J = (left * values) @ right.T
    Q = rng.standard_normal((3, 8, 8)) / 4
    Q, z = Q + Q.transpose(0, 2, 1), 1e-3 * y * left[:, 0]
    for _ in range(int(40 / y)):
        d = -J.T @ z
        bent = np.einsum("aij,j->ai", Q, d)
        z, J = z + J @ d + bent @ d / 2, J + bent
    return (2 - np.linalg.eigvalsh(J @ J.T)[-1]) / y


@pytest.mark.slow
def test_descent_ends_there_to_first_order():
    """With several other modes, which the derivation takes one by one; the rest is of order y."""
    excess = np.array([0.01, 0.005, 0.0025])
    ends = np.array(
        [[end_of_descent(y, np.random.default_rng(k)) for y in excess] for k in range(3)]
    )
    left = np.sqrt(np.mean((ends - 1) ** 2, axis=0))
    orders = np.log2(left[:-1] / left[1:])
    assert abs(orders[1] - 1) < abs(orders[0] - 1) < 0.25
    # extrapolated, what is left is of second order; a law that is off by 1 % would show
    extrapolated = np.sqrt(np.mean((2 * ends[:, 1:] - ends[:, :-1] - 1) ** 2, axis=0))
    assert extrapolated[1] < extrapolated[0] / 2 and extrapolated[1] < 0.01


def without_curvature_of_z(z, J, d):
    """A planted error: z' = z + J d, the curvature left out."""
    return z + J * d, motion.displaced(z, J, d)[1]


def half_the_bend(z, J, d):
    """A planted error: J moves by half of Q(d, ·)."""
    moved, after = motion.displaced(z, J, d)
    return moved, (J + after) / 2


@pytest.mark.parametrize("planted", [without_curvature_of_z, half_the_bend])
def test_a_planted_error_is_seen(planted, monkeypatch):
    def step(z, J, drawn):
        return planted(z, J, motion.descent(J, motion.batch_force(z, drawn)))

    monkeypatch.setattr(offset, "step", step)
    with pytest.raises(ArithmeticError):
        offset.offset_theory.__wrapped__()
