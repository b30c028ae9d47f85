"""Theory against the real algorithm over methods, spectra and noise laws, at the default ensemble.

d = 1000, 200 runs, 50 times up to t = 4. Every cell prints its gap, standard error and margin
(``pytest -m slow -s``); the negative controls at the end must disagree.
"""

import warnings

import numpy as np
import pytest

import limitlab as ll

D, RUNS, POINTS, UNTIL = 1000, 200, 51, 4.0


def covariance(name, exponent):
    return {
        "isotropic": lambda: ll.isotropic(D),
        "power law": lambda: ll.power_law(D, exponent=exponent),
        "toeplitz": lambda: ll.toeplitz(D, correlation=0.5),
    }[name]()


METHODS = {
    "signSGD": (ll.SignSGD(0.4), 0.5),
    "clipped SGD": (ll.ClippedSGD(0.8, 1.0), 0.3),
    "Huber": (ll.Huber(0.8, 1.0), 0.3),
}
SPECTRA = ("isotropic", "power law", "toeplitz")
NOISES = {
    "Gaussian": ll.Gaussian(0.5),
    "StudentT 3": ll.StudentT(3, 0.4),
    "Cauchy": ll.Cauchy(0.3),
    "Rademacher": ll.Rademacher(0.5),
}
SGD_NOISES = {
    "Gaussian": ll.Gaussian(0.5),
    "Laplace": ll.Laplace(0.6),
    "Rademacher": ll.Rademacher(0.5),
    "StudentT 6": ll.StudentT(6, 0.4),
}
CELLS = [(m, s, n) for m in METHODS for s in SPECTRA for n in NOISES]
SGD_CELLS = [(s, n) for s in SPECTRA for n in SGD_NOISES]


def agreement(problem, method, seed, theory_of=None):
    """Return the report of theory (of another problem for a negative control) against runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ll.ValidityWarning)
        theory = ll.solve(theory_of or problem, method, until=UNTIL, points=POINTS)
        runs = ll.simulate(problem, method, until=UNTIL, points=POINTS, runs=RUNS, seed=seed)
    return ll.compare(theory, runs)


def show(name, report):
    at = int(abs(report.z).argmax())
    print(
        f"\n{name:36s} {report.verdict:9s} gap {100 * report.gap:5.2f} %  max z {report.max_z:5.2f}"
        f"  s.e. there {report.sem[at]:.2e}  margin {100 * report.margin:5.3f} %"
        f"  detectable {100 * report.detectable:4.1f} %"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("method", "spectrum", "noise"), CELLS)
def test_cell(method, spectrum, noise):
    rule, exponent = METHODS[method]
    problem = ll.LeastSquares(covariance(spectrum, exponent), NOISES[noise])
    report = agreement(problem, rule, seed=CELLS.index((method, spectrum, noise)))
    show(f"{method} / {spectrum} / {noise}", report)
    assert report.passed, str(report)


@pytest.mark.slow
@pytest.mark.parametrize(("spectrum", "noise"), SGD_CELLS)
def test_sgd_cell(spectrum, noise):
    problem = ll.LeastSquares(covariance(spectrum, 0.3), SGD_NOISES[noise])
    report = agreement(problem, ll.SGD(0.5), seed=1000 + SGD_CELLS.index((spectrum, noise)))
    show(f"SGD / {spectrum} / {noise}", report)
    assert report.passed, str(report)


@pytest.mark.slow
def test_sgd_with_infinite_fourth_moment_is_judged_by_quantiles():
    problem = ll.LeastSquares(ll.isotropic(D), ll.StudentT(3, 0.4))
    report = agreement(problem, ll.SGD(0.5), seed=5)
    assert report.passed is None
    assert report.verdict == "quantiles"
    assert inside(report)
    wrong = ll.LeastSquares(ll.isotropic(D), ll.StudentT(3, 0.8))
    assert not inside(agreement(problem, ll.SGD(0.5), seed=5, theory_of=wrong))


def inside(report):
    """The theory's line lies between the 5 and 95 % quantiles of single runs at every time."""
    low, high = report.quantiles[0.05], report.quantiles[0.95]
    return bool(np.all((low <= report.theory) & (report.theory <= high)))


WRONG = {
    "noise law": (ll.LeastSquares(ll.isotropic(D), ll.Laplace(0.5)), ll.SignSGD(0.4)),
    "noise scale": (ll.LeastSquares(ll.isotropic(D), ll.Gaussian(0.55)), ll.ClippedSGD(0.8, 1.0)),
    "spectrum": (ll.LeastSquares(ll.power_law(D, exponent=0.3), ll.Gaussian(0.5)), ll.SGD(0.5)),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_theory_disagrees(what):
    """Negative controls: the runs belong to isotropic data with Gaussian noise of scale 0.5."""
    wrong, method = WRONG[what]
    problem = ll.LeastSquares(ll.isotropic(D), ll.Gaussian(0.5))
    report = agreement(problem, method, seed=77, theory_of=wrong)
    assert report.passed is False, str(report)
