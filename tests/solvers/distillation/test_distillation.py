"""Roads that must meet: closed forms, modes, matrices; plateaus and the switching time."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.solvers.distillation import closed, matrices
from limitlab.solvers.distillation.phases import through
from limitlab.theory.distillation.closed import closed_theory
from limitlab.theory.distillation.matrices import matrix_theory

ACCURACY = 1e-8
DESCENT = ll.GradientDescent(0.02)
TIME = np.linspace(0, 8, 17)
PROBLEMS = {
    "end to end": ll.BlockwiseDistillation([1.0, 0.6], start=[0.01, 0.02], switch=0),
    "switched": ll.BlockwiseDistillation([1.0, 0.6], start=0.01, switch=1.3),
    "never": ll.BlockwiseDistillation([1.0, 0.6], start=0.0),
    "unequal layers": ll.BlockwiseDistillation([1.0, 0.6], [[0.3, -0.1], [0.05, 0.4]], switch=0),
    "above": ll.BlockwiseDistillation([0.4], start=2.0, switch=0),
    "three layers": ll.BlockwiseDistillation([1.2, 0.7], start=0.05, layers=3, switch=0),
    "two of two": ll.BlockwiseDistillation([1.2, 0.7], start=0.05, layers=4, blocks=2),
    "unequal teacher": ll.BlockwiseDistillation([[2.0, 0.5], [0.6, 1.4]], start=0.01, switch=2.0),
    "three blocks": ll.BlockwiseDistillation([1.1], start=0.05, layers=5, blocks=(1, 3, 1)),
}


def by_matrices(problem):
    U = matrices.flowing(matrices.Network(problem, matrix_theory().functions), TIME)
    return np.einsum("tlkk->tlk", U), U


@pytest.mark.parametrize("name", PROBLEMS)
def test_closed_form_is_the_flow_of_the_matrices(name):
    problem = PROBLEMS[name]
    exact = closed.closed(problem, TIME, closed_theory().functions)
    found, U = by_matrices(problem)
    assert np.abs(exact - found).max() < ACCURACY
    assert np.abs(U * (1 - np.eye(problem.modes))).max() == 0  # modes do not mix
    # negative control: a teacher that is 0.1 % stronger
    other = ll.BlockwiseDistillation(
        1.001 * problem.strengths,
        problem.start,
        problem.layers,
        problem.blocks,
        problem.switch,
    )
    assert np.abs(by_matrices(other)[0] - exact).max() > 1e3 * ACCURACY


def test_the_difference_of_squares_is_conserved_end_to_end():
    found, _ = by_matrices(PROBLEMS["unequal layers"])
    squares = found[:, 0] ** 2 - found[:, 1] ** 2
    assert np.ptp(squares, axis=0).max() < ACCURACY


def test_phases_meet_at_the_switching_time_and_times_may_fall_on_it():
    seen = []

    def move(state, local, joined):
        seen.append((joined, local.tolist()))
        return state + local

    found = through(np.array(0.0), np.array([0.0, 1.0, 2.0, 3.0]), 2.0, move)
    assert seen == [(0, [0.0, 1.0, 2.0]), (1, [0.0, 1.0])]
    assert found.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert through(np.array(0.0), np.array([0.0, 3.0]), 2.5, move).tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("problem", "field"),
    [
        (ll.BlockwiseDistillation([1.0], start=0.0, switch=0), "start"),
        (ll.BlockwiseDistillation([1.0, 0.0], start=0.1, switch=0), "strengths"),
        (ll.BlockwiseDistillation([0.5], start=0.1, layers=3, switch=1.0), "start"),
        (ll.BlockwiseDistillation([1.0], start=np.array([[0.2], [-0.2]]), switch=0), "start"),
    ],
)
def test_what_has_no_closed_form_is_refused(problem, field):
    with pytest.raises(ll.NotAvailable) as caught:
        closed.closed(problem, TIME, closed_theory().functions)
    assert caught.value.field == field and "flow" in caught.value.remedy


# ---- starts that are not aligned ----

TURNED = ll.BlockwiseDistillation(
    [1.0, 0.5], 0.1 * np.random.default_rng(3).standard_normal((2, 2, 2)), switch=0
)


@pytest.mark.parametrize("limit", [None, "flow", "map", "closed"])
def test_modes_of_a_start_that_is_not_aligned_are_refused(limit):
    with pytest.raises(ll.NotAvailable, match="matrices") as caught:
        ll.solve(TURNED, DESCENT, 2, **({} if limit is None else {"limit": limit}))
    assert caught.value.field == "start"
    with pytest.raises(ll.NotAvailable, match="start"):
        ll.recomposition(TURNED, 0.1)
    with pytest.raises(ll.NotAvailable, match="start"):
        ll.distillation_plateaus(TURNED)


def test_a_diagonal_start_of_matrices_is_aligned():
    whole = ll.BlockwiseDistillation([1.0, 0.5], 0.1 * np.stack([np.eye(2)] * 2))
    assert whole.aligned and np.array_equal(whole.own, np.full((2, 2), 0.1))


# ---- plateaus ----


def test_plateaus_are_the_stated_ones():
    problem = ll.BlockwiseDistillation([1.0, 0.5], start=1e-3)
    found = ll.distillation_plateaus(problem)
    theta = problem.products
    assert found.end_to_end == pytest.approx(np.log(theta / 1e-3) / (2 * theta), rel=1e-12)
    assert not found.blocks.any() and np.array_equal(found.gained, found.end_to_end)


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_half_of_a_mode_is_learnt_a_fixed_time_after_the_plateau(layers):
    """The way from the plateau does not depend on the start, but for a correction of order w₀²."""
    f, late = closed_theory().functions, []
    for start in (1e-4, 1e-6):
        problem = ll.BlockwiseDistillation([0.8], start=start, layers=layers, blocks=1)
        w0 = (start / 0.8) ** (1 / layers)
        half = closed.elapsed(f, layers, w0, 0.8, 0.5 ** (1 / layers))
        late.append(float(half - ll.distillation_plateaus(problem).end_to_end[0]))
    bound = 2 * (1e-4 / 0.8) ** (2 / layers) * 0.8 ** (2 / layers - 2)
    assert abs(late[1] - late[0]) < bound
    assert abs(late[0]) < 2 / 0.8 ** (2 - 2 / layers)


def test_plateaus_of_deeper_blocks_run_in_the_time_of_their_inputs():
    problem = ll.BlockwiseDistillation([0.25], start=1e-4, layers=4, blocks=2)
    found = ll.distillation_plateaus(problem).blocks[:, 0]
    assert found[1] == pytest.approx(found[0] / 0.25, rel=1e-12)  # a² = θ^(1/2·2)
    assert ll.distillation_plateaus(problem).end_to_end[0] > found.sum()


def test_a_start_at_zero_waits_for_ever_and_one_above_not_at_all():
    zero, above = (ll.BlockwiseDistillation([0.5], start=s, blocks=1) for s in (0.0, 3.0))
    assert np.isinf(ll.distillation_plateaus(zero).end_to_end).all()
    assert ll.distillation_plateaus(above).end_to_end.max() == 0


# ---- through the verbs: kernels are compiled ----


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_all_limits_are_one(name):
    problem = PROBLEMS[name]
    exact = ll.solve(problem, DESCENT, times=TIME, limit="closed")
    for limit in ("flow", "matrices"):
        found = ll.solve(problem, DESCENT, times=TIME, limit=limit)
        for quantity in ("loss", "block_loss", "overlap"):
            assert np.abs(found[quantity] - exact[quantity]).max() < ACCURACY
        assert np.abs(found["strengths"] - exact["strengths"]).max() < ACCURACY


@pytest.mark.slow
def test_steps_tend_to_the_flow_in_first_order():
    problem = PROBLEMS["switched"]
    flow = ll.solve(problem, DESCENT, times=TIME)
    off = []
    for rate in (0.02, 0.01):
        stepped = ll.solve(problem, ll.GradientDescent(rate), times=TIME, limit="map")
        off.append(np.abs(stepped.overlap - flow.overlap).max())
    assert off[0] / off[1] == pytest.approx(2, rel=0.05)  # the next order, rate · |Hessian|


@pytest.mark.slow
def test_the_time_to_a_loss_is_that_of_the_formula():
    problem = ll.BlockwiseDistillation([1.0], start=1e-3)
    found = ll.recomposition(problem, 1e-3, [0.0, 0.5, 1.0, 50.0])
    s = 1 - np.sqrt(2e-3)
    assert found.end_to_end == pytest.approx(np.log((1e3 - 1) * s / (1 - s)) / 2, abs=1e-7)
    assert found.times[0] == found.end_to_end and found.times[-1] == found.blockwise
    rest = -np.log((1 - np.sqrt(s)) / (1 - np.sqrt(1e-3)))  # v = 1 + (v₀ − 1) e^{−t}, s = v²
    assert found.blockwise == pytest.approx(rest, abs=1e-7)
    # and at every switch the loss is reached then
    for switch, time in zip(found.switches[1:3], found.times[1:3], strict=True):
        one = ll.BlockwiseDistillation([1.0], start=1e-3, switch=switch)
        there = ll.solve(one, DESCENT, times=[time], limit="closed").loss[-1]
        assert there == pytest.approx(1e-3, rel=1e-6)


@pytest.mark.slow
def test_blocks_first_and_the_whole_later_is_faster_than_either():
    found = ll.recomposition(ll.BlockwiseDistillation([1.0, 0.6], start=1e-3), 1e-3)
    assert found.times.min() < 0.9 * min(found.end_to_end, found.blockwise)
    assert 0 < found.best < found.blockwise
    assert found.gain.max() == pytest.approx(found.end_to_end - found.times.min())


@pytest.mark.slow
def test_from_zero_only_blocks_learn():
    found = ll.recomposition(ll.BlockwiseDistillation([1.0], start=0.0), 1e-3, [0.0, 1.0])
    assert np.isinf(found.end_to_end) and np.isinf(found.times[0])
    assert np.isfinite(found.times[1]) and np.isfinite(found.blockwise)
    # nor a mode that runs into 0 from the wrong side
    wrong = ll.BlockwiseDistillation([1.0, 0.5], start=[[0.1, 0.1], [0.1, -0.1]])
    found = ll.recomposition(wrong, 1e-3, [0.0, 1.0])
    assert np.isinf(found.end_to_end) and np.isfinite(found.times[1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((5.0,), "loss"),
        ((0.0,), "loss"),
        ((1e-20,), "loss"),
        ((0.1, [1.0, 0.5]), "switches"),
        ((0.1, [-1.0]), "switches"),
        ((0.1, "soon"), "switches"),
    ],
)
def test_bad_questions_are_refused(given, field):
    with pytest.raises(ll.InvalidInput) as caught:
        ll.recomposition(ll.BlockwiseDistillation([1.0], start=1e-3), *given)
    assert caught.value.field == field
    with pytest.raises(ll.InvalidType, match="problem"):
        ll.recomposition(ll.LeastSquares(ll.isotropic(5), ll.NoNoise()), 0.1)


@pytest.mark.parametrize(
    "weak", [1e-3, *(pytest.param(w, marks=pytest.mark.slow) for w in (1.0, 1e-6))]
)
def test_a_weak_teacher_takes_its_time(weak):
    """dp/dt = 2p(θ − p) without blocks; a block of one layer is as quick as for any teacher, so
    that the two phases are 1/θ apart."""
    problem = ll.BlockwiseDistillation([weak], start=0.02 * weak)
    found = ll.recomposition(problem, 1e-3 * weak**2, [0.0, 1.0])
    missing = np.sqrt(2e-3)
    way = np.log((1 - missing) / missing) - np.log(0.02 / 0.98)
    assert weak * found.times[0] == pytest.approx(way / 2, rel=1e-3)
    assert np.isfinite(found.times).all()
