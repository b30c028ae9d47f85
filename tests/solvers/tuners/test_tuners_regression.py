"""Tuners on second-order regression: against optimisers written by hand in θ, and their algebra."""

from dataclasses import replace

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.second_order.drawn import Drawn
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.core.loops import Update

pytestmark = pytest.mark.interpreted

PROBLEM = ll.QuadraticRegression(3, 7, 0.3)
TUNERS = [
    ll.CDAT(1.0),
    ll.CDAT(1.9),
    ll.CDAT(2.0),
    ll.CDAT(1.3, ema=0.7, damping=1e-3, largest=4.0, batch=2),
    ll.Armijo(0.2),
    ll.Armijo(0.1, backtrack=0.8, increase=1.2, first=0.3, batch=2, sampling="bernoulli"),
    ll.Polyak(1.0),
    ll.Polyak(1.0, largest=1.5, batch=2, sampling="with_replacement"),
    ll.OnEdge(0.9),
    ll.OnEdge(1.0),
    ll.OnEdge(0.5, batch=2),
]
#: a capped step that then divides by what is left of the loss: in θ its rounding, relative to z,
#: grows from 1e-15 to 1e-10 within 50 steps, and moves the sharpness by as much
SHORT = ll.Polyak(1.0, largest=1.5)


class ByHand:
    """Descent in θ with a step that is chosen from losses and derivatives, by numbers."""

    def __init__(self, problem, method, Q, masks):
        self.p, self.method, self.Q, self.masks = problem, method, Q, masks
        self.B = method.batch or problem.data

    def at(self, theta):
        p = self.p
        bent = self.Q @ theta
        return p.z0 + p.G @ theta + bent @ theta / 2, p.G + bent

    def loss(self, theta, m):
        return float(m @ self.at(theta)[0] ** 2) / (2 * self.B)

    def step(self, theta, m, memory):
        z, J = self.at(theta)
        g = J.T @ (m * z) / self.B
        H = (J.T @ (m[:, None] * J) + np.einsum("a,aij->ij", m * z, self.Q)) / self.B
        method, square = self.method, g @ g
        if square == 0.0:
            return 0.0, g
        if isinstance(method, ll.OnEdge):
            root = np.sqrt(m)[:, None] * J
            return 2 * method.fraction / (np.linalg.eigvalsh(root @ root.T)[-1] / self.B), g
        if isinstance(method, ll.Polyak):
            return min(method.scale * self.loss(theta, m) / square, method.largest), g
        if isinstance(method, ll.CDAT):
            new = np.array([square, abs(g @ H @ g) + method.damping])
            memory[:] = method.ema * memory + (1 - method.ema) * new
            return min(method.scale * memory[0] / memory[1], method.largest), g
        eta = method.increase * memory[0]
        while self.loss(theta, m) - self.loss(theta - eta * g, m) < method.c * eta * square:
            eta *= method.backtrack
        memory[0] = eta
        return eta, g

    def run(self, steps):
        theta, seen = np.zeros(self.p.parameters), []
        memory = np.array([getattr(self.method, "first", 0.0), 0.0])
        for t in range(steps + 1):
            z, J = self.at(theta)
            eta, g = self.step(theta, self.masks[t % len(self.masks)], memory)
            seen.append((z @ z / 6, np.linalg.eigvalsh(J @ J.T)[-1] / 3, eta))
            theta = theta - eta * g
        return np.array(seen).T


@pytest.mark.parametrize("method", [*TUNERS, SHORT], ids=repr)
def test_recursion_and_descent_are_the_optimiser(method):
    """50 steps to 1e-13 of the largest value, in which a change of the start grows by less than 60
    (measured); steps, which divide by what has become small, to 1e-9 over the first 20."""
    steps = 20 if method is SHORT else 50
    masks = np.random.default_rng(5).integers(0, 3, (steps, 3)).astype(float)
    masks[4] = 0  # an empty batch, which leaves everything in place
    given = {"tensor": tensor(), "times": np.arange(steps + 1)}
    if method.batch:
        given["masks"] = masks
    expected = ByHand(PROBLEM, method, tensor(), masks if method.batch else np.ones((1, 3)))
    values = expected.run(steps)
    for curve in (
        ll.solve(PROBLEM, method, **given),
        ll.simulate(PROBLEM, method, runs=1, **given),
    ):
        for name, column in zip(("loss", "sharpness"), values[:2], strict=True):
            assert np.abs(curve[name] - column).max() <= 1e-13 * column.max(), name
        np.testing.assert_allclose(curve.step[:20], values[2, :20], rtol=1e-9)
        np.testing.assert_allclose(curve.edge, curve.step * curve.sharpness)
    # negative control: a first number that is 1e-9 larger
    name = {"CDAT": "scale", "Armijo": "first", "Polyak": "scale", "OnEdge": "fraction"}
    field = name[type(method).__name__]
    other = replace(method, **{field: getattr(method, field) * (1 + 1e-9)})
    wrong = ll.solve(PROBLEM, other, **given)
    assert np.abs(wrong.loss - values[0]).max() > 1e-13 * values[0].max()


def tensor():
    Q = np.random.default_rng(3).standard_normal((3, 7, 7)) * 0.15
    return Q + Q.transpose(0, 2, 1)


def test_the_loss_along_a_gradient_is_exact_and_no_cubic():
    """Where the fourth derivative decides: the cubic polynomial accepts another step."""
    problem = ll.QuadraticRegression(1, 2, 0.1, jacobian=[[0.1, 0.0]], residual=[-3.0])
    Q = np.array([[[2.0, 0.0], [0.0, 0.0]]])
    method = ll.Armijo(0.1, first=20.0, increase=1.0, backtrack=0.95)
    hand = ByHand(problem, method, Q, np.ones((1, 1)))
    memory = np.array([20.0, 0.0])
    eta, g = hand.step(np.zeros(2), np.ones(1), memory)
    curve = ll.solve(problem, method, times=[0, 1], tensor=Q)
    assert curve.step[0] == pytest.approx(eta, rel=1e-12)
    z, J = hand.at(np.zeros(2))
    bend = (J @ g) @ (J @ g) + z @ ((Q @ g) @ g)
    third = 3 * (J @ g) @ ((Q @ g) @ g)
    longer = 20.0  # what the polynomial of degree three would take
    while g @ g - longer * bend / 2 + longer**2 * third / 6 < method.c * g @ g:
        longer *= method.backtrack
    assert longer > 1.2 * eta


def test_a_step_of_cdat_keeps_its_place_on_the_parabola():
    """Without curvature of the model: scale 1 minimises, scale 2 leaves the loss where it was."""
    flat = ll.QuadraticRegression(3, 7, 0.0)
    for scale, share in ((1.0, None), (2.0, 1.0)):
        curve = ll.solve(flat, ll.CDAT(scale), times=[0, 1, 2])
        if share is None:
            assert curve.loss[1] < curve.loss[0]
        else:
            np.testing.assert_allclose(curve.loss, curve.loss[0], rtol=1e-12)


def test_the_same_seed_gives_the_batches_of_sgd():
    """A tuner that always takes its cap is SGD with that rate."""
    method = ll.CDAT(1e9, largest=0.4, batch=2)
    tuned = ll.simulate(PROBLEM, method, 12, runs=2, seed=4, points=13)
    plain = ll.simulate(
        PROBLEM, ll.SGD(0.4, batch=2), 12, runs=2, seed=4, points=13, engine="dense"
    )
    np.testing.assert_allclose(tuned.sample("loss"), plain.sample("loss"), rtol=1e-12)
    assert np.all(tuned.step == 0.4)


def test_planted_error_moves_curve_equations_and_code():
    system = ll.derive(PROBLEM, ll.CDAT(2.0))
    J = system.after[1]
    changed = replace(
        system, after=(system.after[0], Update(J.left, 1.05 * J.right, J.over), *system.after[2:])
    )
    assert changed.latex() != system.latex() and changed.source != system.source
    own, other = (
        ll.solve(PROBLEM, ll.CDAT(2.0), times=[0, 1], tensor=tensor(), system=s)
        for s in (None, changed)
    )
    assert other.sharpness[1] == pytest.approx(1.05**2 * own.sharpness[1], rel=1e-12)


def test_outcomes():
    converged = ll.solve(PROBLEM, ll.OnEdge(0.5), 600, tensor=tensor())
    assert converged.provenance["state"] == "converged"
    with pytest.warns(ValidityWarning, match="diverged"):
        lost = ll.solve(PROBLEM, ll.CDAT(40.0), 200, tensor=tensor())
    assert lost.provenance["state"] == "diverged" and np.isnan(lost.loss[-1])


@pytest.mark.parametrize(
    "wrong, field",
    [
        (lambda: ll.solve(PROBLEM, ll.CDAT(2.0, batch=4), 5), "batch"),
        (lambda: ll.solve(PROBLEM, ll.CDAT(2.0), 5, limit="slow"), "limit"),
        (lambda: ll.solve(PROBLEM, ll.CDAT(2.0), 5, masks=np.ones((5, 3))), "masks"),
        (lambda: ll.simulate(PROBLEM, ll.CDAT(2.0), 5, masks=np.ones((5, 3))), "masks"),
        (lambda: ll.solve(PROBLEM, ll.CDAT(2.0, batch=2), 5, masks=np.ones((3, 3))), "masks"),
        (lambda: ll.solve(PROBLEM, ll.CDAT(2.0), 5, tensor=np.ones((3, 7, 6))), "tensor"),
        (
            lambda: ll.solve(PROBLEM, ll.CDAT(2.0), 5, tensor=np.triu(np.ones((3, 7, 7)))),
            "tensor",
        ),
        (lambda: ll.solve(PROBLEM, ll.Polyak(1.0, minimum=0.4), 20, tensor=tensor()), "minimum"),
        (lambda: ll.CDAT(2.0, sampling="none"), "sampling"),
        (lambda: ll.CDAT(2.0, batch=0), "batch"),
        (lambda: ll.solve(ll.TwoCurvatures(3.0), ll.CDAT(1.0), 5, draws=3), "draws"),
        (
            lambda: ll.solve(ll.TwoCurvatures(3.0), ll.CDAT(1.0, sampling="bernoulli"), 5),
            "sampling",
        ),
        (lambda: ll.simulate(ll.TwoCurvatures(3.0), ll.CDAT(1.0), 5, tensor=tensor()), "tensor"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field


def test_drawn_masks_have_one_row_more_than_recorded_steps():
    task = Drawn.of(PROBLEM, ll.CDAT(1.0, batch=2), np.array([0, 5]), 1, None, None)
    short, long = (task.draw(0, n)[1][0] for n in (5, 6))
    assert np.array_equal(long[:5], short)
