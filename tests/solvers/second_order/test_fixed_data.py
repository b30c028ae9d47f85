"""T1: the spec's numbers, its identities, and its first order in κ."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from limitlab.solvers.second_order.early_time import early_time
from limitlab.solvers.second_order.fixed_data import solve_fixed_data
from limitlab.solvers.second_order.solve import solve as solve_quadratic
from limitlab.solvers.second_order.solve import tangent_kernels
from limitlab.theory.core.errors import InvalidInput, NotAvailable, ValidityWarning
from limitlab.theory.methods import SGD, GradientDescent
from limitlab.theory.second_order.fixed_data import fixed_data_derivation
from limitlab.theory.second_order.problem import QuadraticRegression

pytestmark = pytest.mark.interpreted

PROBLEM = QuadraticRegression(2, 50, 0.3, [[2, 0.5], [0.5, 1]], [1, -0.5])
MASKS = np.array([[1, 0], [0, 1]] * 3, dtype=float)


def solution(kappa=0.3, masks=MASKS, g=0.2, problem=PROBLEM):
    stand_in = SimpleNamespace(gram=problem.gram, z0=problem.z0, kappa=kappa)
    return solve_fixed_data(stand_in, np.full(len(masks), g), masks)


def test_sanity_values():
    run = solution()
    np.testing.assert_allclose(run.arrays["z"][:, 6], [0.300658, -0.367145], atol=5e-7)
    assert np.linalg.eigvalsh(run.kernel(6)[0])[-1] == pytest.approx(2.316345, abs=5e-7)
    assert run.arrays["C"][6, 6] == pytest.approx(0.333852, abs=5e-7)


def test_curve_is_the_solution():
    curve = solve_quadratic(PROBLEM, SGD(0.2), 6, masks=MASKS)
    assert curve.sharpness[-1] == pytest.approx(2.316345 / 2, abs=5e-7)
    assert curve.isotropic[-1] == pytest.approx(0.3 * 0.333852 / 2, abs=5e-7)
    assert curve.loss[0] == pytest.approx(1.25 / 4)
    assert curve.overlap[0] == pytest.approx(np.sqrt(2 * curve.sharpness[0]))


def test_without_curvature_the_response_is_one_and_the_model_linear():
    run = solution(kappa=0.0)
    inside = np.tril(np.ones((7, 7), dtype=bool))
    np.testing.assert_allclose(run.arrays["R"][:7, :7][inside], 1.0)
    z = PROBLEM.z0
    for mask in MASKS:
        z = z - 0.2 * PROBLEM.gram @ (mask * z)
    np.testing.assert_allclose(run.arrays["z"][:, 6], z, rtol=1e-13)


def test_overlaps_are_those_of_the_forces():
    """C(t,t') as the double sum over pairs of forces: another road to the same numbers."""
    arrays = solution().arrays
    R, C, u = arrays["R"], arrays["C"], arrays["u"]
    K = u.T @ PROBLEM.gram @ u + 0.3 * C * (u.T @ u)
    for t in range(7):
        for s in range(7):
            double = R[t, 1 : t + 1] @ K[:t, :s] @ R[s, 1 : s + 1]
            assert C[t, s] == pytest.approx(double, abs=1e-14)


def test_kernel_is_positive_semidefinite_and_symmetric():
    kernels = tangent_kernels(PROBLEM, SGD(0.2), [1, 3, 6], masks=MASKS)
    np.testing.assert_allclose(kernels, kernels.transpose(0, 2, 1), atol=1e-14)
    assert np.linalg.eigvalsh(kernels).min() > 0


def test_slope_at_zero_curvature_is_the_two_step_formula():
    """∂/∂κ of the mean over all pairs of batches, by a central difference."""
    batches = [np.eye(2)[i] for i in range(2)]
    pairs = [np.array([a, b]) for a in batches for b in batches]
    values, U = np.linalg.eigh(PROBLEM.gram)

    def forms(kappa):
        means = []
        for t in range(3):
            kernels = [solution(kappa, pair).kernel(t)[0] for pair in pairs]
            means.append(np.diag(U.T @ np.mean(kernels, axis=0) @ U)[::-1])
        return means[1] - means[0], means[2] - 2 * means[1] + means[0]

    up, down = forms(1e-4), forms(-1e-4)
    formula = early_time(replace(PROBLEM, curvature=1.0), SGD(0.2))
    for order, expected in enumerate((formula.kernel_first, formula.kernel_second)):
        np.testing.assert_allclose((up[order] - down[order]) / 2e-4, expected, rtol=1e-6)


def test_another_equation_gives_another_curve_and_another_text():
    """The printed equations are the ones that are solved."""
    derived = fixed_data_derivation()
    program, reading = derived.programs
    place = next(i for i, x in enumerate(program.updates) if str(x.left) == "omega[t, r]")
    stronger = replace(program.updates[place], right=1.05 * program.updates[place].right)
    changed = (*program.updates[:place], stronger, *program.updates[place + 1 :])
    planted = replace(derived, programs=(replace(program, updates=changed), reading))
    true, wrong = (
        solve_quadratic(PROBLEM, SGD(0.2), 6, masks=MASKS, system=s) for s in (None, planted)
    )
    assert abs(true.loss[-1] - wrong.loss[-1]) > 1e-6
    assert planted.latex() != derived.latex() and planted.source != derived.source


def test_runaway_is_flagged_and_never_a_number():
    with pytest.warns(ValidityWarning, match="1/√P"):
        curve = solve_quadratic(PROBLEM, GradientDescent(4.5), 60)
    step = curve.provenance["diverged"]["0"]
    assert np.all(np.isfinite(curve.loss[:step])) and np.all(np.isnan(curve.loss[step:]))
    assert curve.diagnostics["diverged"][-1] == 1
    with pytest.raises(InvalidInput, match=f"step {step}"):
        tangent_kernels(PROBLEM, GradientDescent(4.5), [step + 1])


def test_batches_are_averaged_outside_and_do_not_depend_on_threads():
    one, two = (
        solve_quadratic(PROBLEM, SGD(0.2), 4, mask_samples=6, seed=3, workers=w) for w in (1, 3)
    )
    np.testing.assert_array_equal(one.sample("sharpness"), two.sample("sharpness"))
    assert one.runs == 6 and one.std("loss")[-1] > 0
    assert solve_quadratic(PROBLEM, GradientDescent(0.2), 4).runs == 0


def test_a_schedule_is_read_in_steps():
    from limitlab.theory.core.symbols import t

    changing = solve_quadratic(PROBLEM, GradientDescent(0.4 - 0.05 * t), 4)
    constant = solve_quadratic(PROBLEM, GradientDescent(0.4), 4)
    assert changing.loss[1] == constant.loss[1] and changing.loss[2] > constant.loss[2]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"masks": np.ones((6, 3))}, "masks"),
        ({"masks": np.ones((2, 2))}, "masks"),
        ({"masks": -np.ones((6, 2))}, "masks"),
        ({"masks": [[1, 0], [1]]}, "masks"),
        ({"masks": "foo"}, "masks"),
        ({"limit": "ode"}, "limit"),
        ({"mask_samples": 0}, "mask_samples"),
    ],
)
def test_bad_options_are_named(options, field):
    with pytest.raises(InvalidInput) as error:
        solve_quadratic(PROBLEM, SGD(0.2), 6, **options)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("limit", "options", "owner"),
    [
        ("sde", {"masks": np.ones((6, 2))}, "fixed-data"),
        ("proportional", {"mask_samples": 4}, "fixed-data"),
        ("fixed-data", {"pilot_runs": 20}, "proportional"),
        ("flow", {"paths": 4}, "sde"),
        ("flow", {"step": 0.1}, "sde"),
        ("fixed-data", {"noise": "full"}, "sde"),
        ("sde", {"rtol": 1e-3}, "flow"),
    ],
)
def test_options_of_another_limit_are_refused(limit, options, owner):
    with pytest.raises(NotAvailable, match=f'limit="{owner}"'):
        solve_quadratic(PROBLEM, SGD(0.2), 6, limit=limit, **options)


def test_masks_are_given_or_sampled_not_both():
    with pytest.raises(NotAvailable, match="mask_samples = 3: masks="):
        solve_quadratic(PROBLEM, SGD(0.2), 6, masks=np.ones((6, 2)), mask_samples=3)


def test_momentum_is_refused():
    with pytest.raises(NotAvailable, match="momentum"):
        solve_quadratic(PROBLEM, SGD(0.2, momentum=0.5), 6)
