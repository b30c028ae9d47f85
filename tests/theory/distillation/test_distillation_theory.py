"""What is derived of a deep linear student: gradients, courses, plateaus; and what is refused."""

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import quad

import limitlab as ll
from limitlab.theory.distillation import closed, loss, matrices
from limitlab.theory.distillation.derive import LIMITS, derive
from limitlab.theory.distillation.modes import mode_theory

theta, s0, u, one, two = sp.symbols("theta s_0 u u_1 u_2", positive=True)
ROUNDING = 1e-12


def test_a_balanced_student_end_to_end_obeys_the_stated_equation():
    moves = loss.velocities((one, two), (sp.sqrt(theta), sp.sqrt(theta)), (2,))
    growth = sp.expand(one * moves[1] + two * moves[0]).subs({one: u, two: u})
    assert sp.expand(growth - 2 * u**2 * (theta - u**2)) == 0


def test_blocks_of_one_layer_have_the_rates_one_and_theta():
    half = sp.sqrt(theta)
    moves = loss.velocities((one, two), (half, half), (1, 1))
    alone = [sp.expand(move.subs(loss.joined, 0)) for move in moves]
    assert sp.expand(alone[0] + (one - half)) == 0
    assert sp.expand(alone[1] + theta * (two - half)) == 0
    # and from the switching time on they are those of the whole
    whole = loss.velocities((one, two), (half, half), (2,))
    together = [move.subs(loss.joined, 1) for move in moves]
    assert all(sp.expand(a - b) == 0 for a, b in zip(together, whole, strict=True))


def test_course_and_plateau_are_the_stated_ones():
    start = {closed.c: 0, closed.r0: 4 * s0, closed.beta: theta}
    r = closed.closed_theory()["r"].subs(closed.p, 4 * theta).subs(start)
    course = theta / (1 + (theta / s0 - 1) * sp.exp(-2 * theta * closed.t))
    assert sp.simplify(r / 4 - course) == 0
    wait = closed.closed_theory()["plateau_2"].subs(start)
    assert sp.simplify(sp.expand_log(wait - sp.log(theta / s0) / (2 * theta), force=True)) == 0


def test_the_course_of_unequal_layers_solves_the_flow():
    """Numerically at many times, for the two layers themselves, by central differences."""
    f = closed.closed_theory().functions
    target, start = 0.7, np.array([0.4, -0.1])
    c, sums = start[0] ** 2 - start[1] ** 2, start.sum()

    def layers(t):
        r = f["r"](c=c, p=f["p"](beta=target, c=c), r_0=sums**2, t=t)
        return np.array([np.sqrt(r) + c / np.sqrt(r), np.sqrt(r) - c / np.sqrt(r)]) / 2

    assert layers(0.0) == pytest.approx(start, abs=ROUNDING)
    t, h = np.linspace(0.1, 8, 20), 1e-4
    found = (layers(t + h) - layers(t - h)) / (2 * h)
    a, b = layers(t)
    assert found == pytest.approx(np.array([b, a]) * (target - a * b), abs=1e-7)  # h²


@pytest.mark.parametrize("layers", [2, 3, 4, 5, 8])
@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (1.1, 2.0)])
def test_the_time_of_balanced_layers_is_the_integral(layers, low, high):
    f = closed.closed_theory().functions
    given = {"beta": 1.3, "L": np.int64(layers)}
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = f["plateau"](w=np.array(high), w_0=np.array(low), **given)
    ends = [f["arrival"](w=np.array(x), **given) for x in (high, low)]
    power = 1.3 ** (2 - 2 / layers)

    def integral(n):
        return quad(lambda v: 1 / (v ** (n - 1) * (1 - v**n)), low, high, epsabs=1e-13)[0]

    found = float(wait + ends[0] - ends[1]) * power
    assert found == pytest.approx(integral(layers), rel=1e-9)
    # negative control: another depth
    assert abs(found / integral(layers + 1) - 1) > 1e-2


def test_the_gradient_is_that_of_the_loss():
    rng = np.random.default_rng(1)
    f = matrices.matrix_theory().functions
    given = {name: rng.standard_normal((3, 3)) for name in "PQBAU"}
    root = rng.standard_normal((3, 3))
    given["C"] = root @ root.T
    move, h = rng.standard_normal((3, 3)), 1e-5
    there = [f["Loss"](**(given | {"U": given["U"] + sign * h * move})) for sign in (1, -1)]
    slope = np.sum(f["Gradient"](**given) * move)
    assert (there[0] - there[1]) / (2 * h) == pytest.approx(slope, rel=1e-8)


def test_stacks_are_taken_one_by_one():
    rng = np.random.default_rng(2)
    f = matrices.matrix_theory().functions
    stacks = {name: rng.standard_normal((4, 3, 3)) for name in "PUQBAC"}
    found = f["Gradient"](**stacks)
    each = [f["Gradient"](**{n: a[k] for n, a in stacks.items()}) for k in range(4)]
    assert np.array_equal(found, each)
    assert f["Loss"](**stacks).shape == (4,)


def test_the_noise_of_a_sample_has_the_variances_of_the_normal_law():
    assert matrices.second_moments() == (2, 1)


@pytest.mark.parametrize("limit", LIMITS)
def test_it_is_labelled_as_what_it_is(limit):
    method = ll.SGD(0.1) if limit == "sde" else ll.GradientDescent(0.1)
    told = derive(ll.BlockwiseDistillation([1.0]), method, limit=limit).explain()
    assert told.startswith("1. inspired by arXiv 2312.13223, solvable form derived here")


def test_every_layer_of_any_partition_is_there():
    system = mode_theory((1, 2, 1), "flow")
    assert len(system.states) == len(system.inputs) == 4
    assert system.observed == ("loss", "block_loss", "overlap")


# ---- what is refused ----


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"strengths": [1.0, -0.1]}, "strengths"),
        ({"strengths": [0.0, 0.0]}, "strengths"),
        ({"strengths": []}, "strengths"),
        ({"strengths": [1.0, float("nan")]}, "strengths"),
        ({"strengths": "strong"}, "strengths"),
        ({"strengths": np.ones((2, 2, 2))}, "strengths"),
        ({"start": -0.1}, "start"),
        ({"start": [0.1, 0.1, 0.1]}, "start"),
        ({"start": np.ones((2, 3, 3))}, "start"),
        ({"start": float("inf")}, "start"),
        ({"layers": 0}, "layers"),
        ({"layers": 3, "start": np.ones((2, 2))}, "layers"),
        ({"blocks": 3}, "blocks"),
        ({"blocks": (1, 2)}, "blocks"),
        ({"blocks": 1.5}, "blocks"),
        ({"switch": -1.0}, "switch"),
        ({"switch": "never"}, "switch"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_problems_are_refused_by_field(fields, named):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.BlockwiseDistillation(**({"strengths": [1.0, 0.5]} | fields))
    assert caught.value.field == named and caught.value.remedy


@pytest.mark.parametrize(
    ("method", "limit", "named"),
    [
        (ll.SignSGD(0.1), None, "method"),
        (ll.SGD(0.1, momentum=0.5), None, "momentum"),
        (ll.SGD(0.1, sampling="bernoulli"), None, "sampling"),
        (ll.SGD("0.1/(1+t)"), None, "rate"),
        (ll.GradientDescent(0.1, batch=3), None, "batch"),
        (ll.SGD(0.1, batch=3), "flow", "limit"),
        (ll.GradientDescent(0.1), "sde", "limit"),
        (ll.GradientDescent(0.1), "ode", "limit"),
    ],
)
def test_methods_without_a_theory_are_refused_by_field(method, limit, named):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.derive(ll.BlockwiseDistillation([1.0]), method, limit=limit)
    assert caught.value.field == named and caught.value.remedy
