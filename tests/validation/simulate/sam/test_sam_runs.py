"""SAM itself beside its recursions, and the averages of its first step over antithetic pairs."""

from dataclasses import replace

import numpy as np
import pytest

from limitlab.solvers.sam.early_time import sam_early_time
from limitlab.solvers.sam.edge import sam_edge
from limitlab.solvers.second_order.curvature import DenseCurvature
from limitlab.solvers.solve import solve
from limitlab.solvers.stepping.orbit import orbit
from limitlab.theory.core.errors import NotAvailable
from limitlab.theory.methods import SAM
from limitlab.theory.methods.sampling import batches_of, draw_masks
from limitlab.theory.sam import regression as lowered
from limitlab.theory.second_order.problem import QuadraticRegression
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel
from limitlab.validation.simulate import simulate
from limitlab.validation.simulate.sam.first_step import _change

pytestmark = pytest.mark.interpreted


def first_changes(problem, method, pairs, seed):
    """Mean over Q and −Q of (z₁ − z₀, J₁ − J₀), one row a pair, by hand."""
    rng = np.random.default_rng(seed)
    z0, G, D, P = problem.z0, problem.G, problem.data, problem.parameters
    drawn = batches_of(method, D)
    masks = draw_masks(drawn, pairs, rng)
    Q = rng.standard_normal((pairs, D, P, P))
    Q = (Q + Q.transpose(0, 1, 3, 2)) * np.sqrt(problem.q / 2)
    found = []
    for signed in (Q, -Q):
        g = (masks * z0) @ G / drawn.batch
        bend = method.radius * np.einsum("naij,nj->nai", signed, g)
        up = z0 + method.radius * g @ G.T + np.einsum("nai,ni->na", bend, method.radius * g) / 2
        d = -method.rate / drawn.batch * np.einsum("nai,na->ni", G + bend, masks * up)
        turn = np.einsum("naij,nj->nai", signed, d)
        moved = d @ G.T + np.einsum("nai,ni->na", turn, d) / 2
        found.append(np.concatenate([moved, turn.reshape(pairs, -1)], axis=1))
    return np.mean(found, axis=0)


def scores(samples, expected):
    return (samples.mean(axis=0) - expected) / (samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


def test_first_step_on_all_data_is_exact():
    """Every entry of E[J₁ − J₀], P = 6 and a large radius: |z| ≤ 4 over 12 entries."""
    problem, method = QuadraticRegression(2, 6, 0.4, seed=1), SAM(0.5, 0.6)
    early = sam_early_time(problem, method)
    samples = first_changes(problem, method, 20_000, 11)[:, 2:]
    assert np.abs(scores(samples, early.jacobian_change.ravel())).max() <= 4
    # negative control: the leading order, which is off by 1/P and by radius · Θ
    assert np.abs(scores(samples, early.leading_change.ravel())).max() > 4


@pytest.mark.parametrize("sampling", ["without_replacement", "with_replacement", "bernoulli"])
def test_first_step_with_batches(sampling):
    """To first order in the radius: |z| ≤ 4 at a small one over 18 entries."""
    problem = QuadraticRegression(3, 6, 0.4, seed=1)
    method = SAM(0.5, 0.01, batch=1, sampling=sampling)
    early = sam_early_time(problem, method)
    samples = first_changes(problem, method, 20_000, 12)[:, 3:]
    assert np.abs(scores(samples, early.jacobian_change.ravel())).max() <= 4
    # negative control: as if all of the data were seen
    full = sam_early_time(problem, SAM(0.5, 0.01))
    assert np.abs(scores(samples, full.jacobian_change.ravel())).max() > 4


@pytest.mark.filterwarnings("ignore:with batches")
def test_residual_of_batches_without_curvature():
    problem, method = QuadraticRegression(3, 6, 0.0, seed=1), SAM(0.5, 0.4, batch=2)
    early = sam_early_time(problem, method)
    samples = first_changes(problem, method, 20_000, 13)[:, :3]
    # without curvature a step is linear in the radius: exact
    assert np.abs(scores(samples, early.residual_change)).max() <= 4
    K = problem.gram
    wrong = -0.5 / 2 * (2 / 3 * K + 0.2 * np.diag(np.diag(K)) @ K) @ problem.z0
    assert np.abs(scores(samples, wrong)).max() > 4


def test_runs_in_the_parameters_are_the_recursion():
    """The same seed draws the same curvatures and batches."""
    problem = QuadraticRegression(3, 6, 0.2)
    method = SAM(0.4, 0.2, batch=2)
    theory = solve(problem, method, 12, draws=3, seed=4, points=7)
    found = simulate(problem, method, 12, runs=3, seed=4, points=7)
    for name in ("loss", "sharpness", "edge_product", "gradient"):
        np.testing.assert_allclose(found.sample(name), theory.sample(name), rtol=1e-11)
    assert found.kind == "simulation" and theory.kind == "theory"
    assert found.provenance["states"] == theory.provenance["states"]
    other = simulate(problem, method, 12, runs=3, seed=5, points=7)
    assert np.abs(other.loss / found.loss - 1).max() > 1e-3


@pytest.mark.parametrize("normalised", [False, True])
def test_closed_map_is_the_full_model(normalised):
    model = TwoEigenvalueModel(0.1, 0.5, (0.1, 1.8))
    method = SAM(0.5, 0.1, normalised)
    theory, run = solve(model, method, 500), simulate(model, method, 500)
    np.testing.assert_allclose(run.z, theory.z, atol=1e-11)
    np.testing.assert_allclose(run["T"], theory["T"], atol=1e-11)


def test_many_starts_end_below_the_edge():
    model = TwoEigenvalueModel(0.02, 0.0, (0.05, 1.9))
    runs = simulate(model, SAM(1.0, 0.1), 4000, starts=[(0.05, 1.9), (0.1, 2.0), (-0.05, 1.8)])
    assert runs.provenance["states"] == ["converged"] * 3
    assert (runs.sample("T")[:, -1] < sam_edge(1.0, 0.1)).all()


def test_options_of_the_other_problem_are_refused():
    with pytest.raises(NotAvailable, match="starts"):
        simulate(QuadraticRegression(2, 4, 0.1), SAM(0.1, 0.1), 5, starts=[(0.1, 0.1)])
    with pytest.raises(NotAvailable, match="masks"):
        simulate(TwoEigenvalueModel(0.1, 0.0), SAM(0.1, 0.1), 5, masks=[[1.0]])


# ---- the measured first step ----


@pytest.mark.parametrize("error", [0, 1e-6])
def test_the_measured_first_step_is_that_of_the_derived_recursion(error):
    """J₁ − J₀ for a drawn curvature and batch, to rounding; an error of 1e-6 planted is seen."""
    problem, method = QuadraticRegression(3, 7, 0.3), SAM(0.4, 0.2, batch=2)
    rng = np.random.default_rng(2)
    tensor = rng.standard_normal((3, 7, 7))
    curvature, mask = DenseCurvature(tensor + tensor.transpose(0, 2, 1)), np.array([1.0, 0.0, 1.0])
    system = lowered.recursion(True, False)
    turned = next(i for i, state in enumerate(system.states) if str(state) == "J")
    wrong = replace(system.after[turned], right=(1 + error) * system.after[turned].right)
    system = replace(system, after=(*system.after[:turned], wrong, *system.after[turned + 1 :]))
    found = orbit(
        system,
        (problem.z0, problem.G),
        (method.radius / 2,),
        np.array([0, 1]),
        ceiling=np.inf,
        inputs=(curvature.tensor, np.full(2, 0.4 / 2), np.tile(mask, (2, 1))),
    )
    J = found.arrays["jacobian"]
    gap = np.abs(J[0] + _change(problem, method, curvature, mask) - J[1]).max() / np.abs(J).max()
    assert (gap < 1e-13) == (error == 0)
