"""Several methods on the same samples: the same bits as alone, and the error of a difference."""

import concurrent.futures
import math
import multiprocessing

import numpy as np
import pytest

import limitlab as ll
from limitlab.validation.agreement.paired import paired_difference
from limitlab.validation.simulate import simulate

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")

Z = 4.2
SPLIT = ll.from_eigenvalues([1.6, 0.4], [8, 12])
ROTATED = [ll.SGD(0.4), ll.ClippedSGD(0.8, 0.7), ll.Huber(0.6, 0.5)]
MIXED = [ll.SGD(0.4), ll.ClippedSGD(0.8, 0.7), ll.SignSGD(0.4)]
CASES = {
    "chain": (ll.isotropic(40), ROTATED),
    "vector": (ll.power_law(40, 0.5), MIXED),
    "eigenbasis": (ll.toeplitz(20, 0.5), ROTATED),
    "dense": (ll.toeplitz(20, 0.5), [ll.SignSGD(0.4), ll.SignSGD(0.2)]),
    "batches": (ll.power_law(40, 0.5), [ll.SGD(0.4, batch=3), ll.SignSGD(0.4, batch=3)]),
}

every_case = pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.slow if c in ("batches", "dense") else ()) for c in CASES],
)


def rows():
    rng = np.random.default_rng(0)
    data = rng.standard_normal((200, 6))
    return data, data @ np.ones(6) + rng.laplace(size=200)


@every_case
def test_every_method_does_what_it_does_alone(case):
    covariance, methods = CASES[case]
    problem = ll.LeastSquares(covariance, ll.StudentT(3, 0.4))
    run = dict(until=15, runs=4, seed=3)
    together = simulate(problem, methods, paired=True, **run)
    for curve, method in zip(together, methods, strict=True):
        alone = simulate(problem, method, **run)
        assert curve.provenance["engine"] == alone.provenance["engine"]
        np.testing.assert_array_equal(curve.sample(), alone.sample())
    assert not np.array_equal(together[0].sample(), together[1].sample())


@pytest.mark.slow
def test_rows_are_shared():
    data, targets = rows()
    problem = ll.LeastSquares(ll.from_data(data), ll.Gaussian(1.0))
    run = dict(until=10, runs=3, seed=1, rows=data, targets=targets)
    together = simulate(problem, MIXED, paired=True, **run)
    for curve, method in zip(together, MIXED, strict=True):
        np.testing.assert_array_equal(curve.sample(), simulate(problem, method, **run).sample())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("covariance", "engine"), [(ll.isotropic(40), "vector"), (ll.toeplitz(20, 0.5), "dense")]
)
def test_one_coordinatewise_method_decides_for_all(covariance, engine):
    problem = ll.LeastSquares(covariance, ll.Gaussian(0.4))
    curves = simulate(problem, MIXED, until=2, runs=2, seed=0, paired=True)
    assert [curve.provenance["engine"] for curve in curves] == [engine] * 3


@pytest.mark.slow
@every_case
def test_equal_bits_for_any_workers_and_processes(case):
    covariance, methods = CASES[case]
    problem = ll.LeastSquares(covariance, ll.Gaussian(0.4))
    run = dict(until=10, runs=5, seed=3, paired=True)
    one, two = (simulate(problem, methods, workers=w, **run) for w in (1, 2))
    context = multiprocessing.get_context("spawn")
    several = [two]
    if case == "chain":
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
            several.append(simulate(problem, methods, executor=executor, **run))
    for other in several:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a.sample(), b.sample())


def correlation(a, b):
    return np.corrcoef(a.sample()[:, -1], b.sample()[:, -1])[0, 1]


def test_an_unpaired_list_draws_from_different_streams():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    run = dict(times=[0, 4], runs=400, seed=5)
    methods = [ll.SGD(0.5), ll.SGD(0.5), ll.Huber(0.6, 1.0)]
    apart = simulate(problem, methods, **run)
    paired = simulate(problem, methods, paired=True, **run)
    np.testing.assert_array_equal(apart[0].sample(), simulate(problem, methods[0], **run).sample())
    assert all("paired" not in curve.provenance for curve in apart)
    bound = Z / math.sqrt(400)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert abs(correlation(apart[i], apart[j])) < bound
        assert correlation(paired[i], paired[j]) > 0.5


def test_twins_do_not_differ_at_all():
    problem = ll.LeastSquares(SPLIT, ll.Cauchy(0.5))
    same = simulate(problem, [ll.SignSGD(0.5)] * 2, until=4, runs=5, seed=0, paired=True)
    difference = paired_difference(*same)
    assert np.all(difference.risk == 0) and np.all(difference.sem() == 0)


def exact_mean(problem, rate, steps):
    """Mean risk of SGD by the recursion of the energies, exact for Gaussian inputs."""
    law, e = problem.covariance, rate / problem.dimension
    values, counts = law.eigenvalues, law.multiplicities
    energies = np.array(problem.energies())
    for _ in range(steps):
        power = 2 * values @ energies + problem.noise.variance
        shrink = 1 - 2 * e * values + 2 * e**2 * values**2
        energies = shrink * energies + 0.5 * e**2 * values * counts * power
    return values @ energies


def test_the_mean_difference_is_exact_and_finer_than_independent_runs():
    """Rates 2 % apart: resolved from shared samples, lost in the noise of independent ones."""
    problem = ll.LeastSquares(SPLIT, ll.Laplace(0.4))
    run = dict(times=[0, 1], runs=1000, seed=2)
    methods = [ll.SGD(0.5), ll.SGD(0.51)]
    first, second = simulate(problem, methods, paired=True, **run)
    difference = paired_difference(first, second)
    error = difference.sem()[-1]
    expected = np.std(first.sample() - second.sample(), axis=0, ddof=1)[-1] / math.sqrt(1000)
    assert error == pytest.approx(expected)
    exact = exact_mean(problem, 0.5, 20) - exact_mean(problem, 0.51, 20)
    assert abs(difference.risk[-1] - exact) < Z * error
    assert abs(difference.risk[-1]) > Z * error, "no difference must be noticed"
    independent = math.hypot(first.sem()[-1], second.sem()[-1])
    assert abs(difference.risk[-1]) < Z * independent


@pytest.mark.slow
def test_the_paired_error_covers_and_the_independent_one_does_not_tell():
    """sd of the mean difference over 200 small ensembles, against the announced errors."""
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    methods = [ll.SGD(0.5), ll.ClippedSGD(0.5, 1.5)]
    curves = simulate(problem, methods, times=[0, 3], runs=200 * 40, seed=9, paired=True)
    a, b = (curve.sample()[:, -1].reshape(200, 40) for curve in curves)
    true = np.std((a - b).mean(axis=1), ddof=1)
    paired = paired_difference(*curves).std()[-1] / math.sqrt(40)
    independent = math.hypot(*(curve.std()[-1] for curve in curves)) / math.sqrt(40)
    relative_error = 1 / math.sqrt(2 * 199)  # of a standard deviation from 200 numbers
    assert abs(paired / true - 1) < Z * relative_error
    assert abs(independent / true - 1) > Z * relative_error


def test_the_difference_is_a_curve():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    a, b = simulate(problem, ROTATED[:2], until=2, runs=6, seed=0, points=5, paired=True)
    difference = paired_difference(a, b, "loss")
    np.testing.assert_array_equal(difference.sample("loss"), a.sample("loss") - b.sample("loss"))
    assert difference.kind == "simulation" and difference.runs == 6
    np.testing.assert_array_equal(difference.steps, a.steps)
    assert difference.provenance["source"] == "paired_difference"
    with pytest.raises(ll.NotAvailable, match="accuracy"):
        paired_difference(a, b, "accuracy")


def test_pairing_survives_the_disk(tmp_path):
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    curves = simulate(problem, ROTATED[:2], until=2, runs=3, seed=0, paired=True)
    for i, curve in enumerate(curves):
        curve.save(tmp_path / f"{i}.nc")
    back = [ll.load(tmp_path / f"{i}.nc") for i in range(2)]
    np.testing.assert_array_equal(paired_difference(*back).risk, paired_difference(*curves).risk)


def test_curves_that_share_nothing_are_refused():
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    pair = dict(until=2, runs=3, paired=True)
    a, b = simulate(problem, ROTATED[:2], seed=0, **pair)
    _, other_seed = simulate(problem, ROTATED[:2], seed=1, **pair)
    _, other_list = simulate(problem, ROTATED[::2], seed=0, **pair)
    harder = ll.LeastSquares(SPLIT, ll.Gaussian(0.7))
    _, other_problem = simulate(harder, ROTATED[:2], seed=0, **pair)
    for stranger in (other_seed, other_list, other_problem):
        with pytest.raises(ll.InvalidInput, match="another call"):
            paired_difference(a, stranger)
    alone = simulate(problem, ROTATED[1], 2, runs=3, seed=0)
    with pytest.raises(ll.InvalidInput, match='not "paired"'):
        paired_difference(a, alone)
    with pytest.raises(ll.InvalidType, match="second"):
        paired_difference(a, b.risk)


@pytest.mark.parametrize(
    ("method", "paired", "field"),
    [
        ([], False, "method"),
        ([], True, "method"),
        (ll.SGD(0.5), True, "paired"),
        ([ll.SGD(0.5), 0.5], True, "method"),
        ([ll.SGD(0.5)], "yes", "paired"),
        ([ll.SGD(0.5), ll.SGD(0.5, batch=2)], True, "batch"),
    ],
)
def test_bad_lists_are_refused(method, paired, field):
    problem = ll.LeastSquares(SPLIT, ll.Gaussian(0.5))
    with pytest.raises(ll.InvalidInput, match=f"^{field} = "):
        simulate(problem, method, 1, runs=1, paired=paired)


def test_divergence_names_the_method_that_diverged():
    problem = ll.LeastSquares(ll.isotropic(20), ll.Gaussian(0.5))
    with pytest.raises(ll.SolveFailed, match="3 of 3 runs of SGD"):
        simulate(problem, [ll.ClippedSGD(0.5, 1.0), ll.SGD(40.0)], 500, runs=3, seed=0, paired=True)
