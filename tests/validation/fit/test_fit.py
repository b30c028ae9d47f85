"""Numbers of a theory from observed curves."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import limitlab as ll
from limitlab.cli import main
from limitlab.solvers.streaming.bare import bare_curve
from limitlab.solvers.streaming.time_covariance import time_covariance
from limitlab.theory.core.errors import InvalidInput, InvalidType, NotAvailable, ValidityWarning
from limitlab.validation.fit.parameters import free_numbers, known, moved

PROBLEM = ll.LeastSquares(ll.power_law(400, 0.5), ll.Gaussian(0.5))
METHOD = ll.SGD(0.6)
TIMES = np.linspace(0.0, 6.0, 26)
GUESS = ll.LeastSquares(ll.power_law(400, 0.7), ll.Gaussian(0.7))
FREE = ("noise.scale", "covariance.exponent", "rate")
TRUTH = {"noise.scale": 0.5, "covariance.exponent": 0.5, "rate": 0.6}


@pytest.fixture(scope="module")
def runs():
    return ll.simulate(PROBLEM, METHOD, times=TIMES, runs=800, seed=5)


def some(runs, first, count):
    return ll.Curve.from_runs(runs.time, runs.sample("risk")[first : first + count], axis=0)


def test_names_reach_every_number():
    schedule = ll.ClippedSGD(ll.cosine(0.5, 8), 1.0)
    names = known(PROBLEM, schedule)
    assert {"rate", "threshold", "initial_risk", "noise.scale", "covariance.exponent"} <= set(names)
    problem, method = moved(PROBLEM, schedule, dict.fromkeys(names, 0.25))
    assert method.threshold == problem.noise.scale == problem.initial_risk == 0.25
    assert method.rate == 0.25 * ll.cosine(0.5, 8)
    assert problem.covariance == ll.power_law(400, 0.25)
    assert free_numbers(PROBLEM, schedule, ["rate"])[0].value == 1.0


@pytest.mark.parametrize(
    ("free", "word"),
    [
        ((), "rate"),
        (("noise.scal",), "noise.scale"),
        (("rate", "rate"), "once"),
        (("covariance.exponent",), "eigenvalues"),
    ],
)
def test_names_that_are_wrong_are_refused(free, word):
    problem = ll.LeastSquares(ll.from_eigenvalues([2.0, 0.5], [50, 50]), ll.Gaussian(0.5))
    curve = ll.Curve.from_runs([0.0, 1.0, 2.0], [[1.0, 0.5, 0.3]])
    with pytest.raises(InvalidInput, match=word):
        ll.fit(curve, problem, METHOD, free)


def test_bad_curves_and_errors_are_refused(runs):
    with pytest.raises(InvalidType):
        ll.fit([1.0, 2.0], PROBLEM, METHOD, FREE)
    with pytest.raises(InvalidInput, match="points"):
        ll.fit(ll.Curve.from_runs([0.0, 1.0], [[1.0, 0.5]]), PROBLEM, METHOD, ("rate",))
    for errors in ("bands", np.ones(3), "runs"):
        with pytest.raises(InvalidInput):
            ll.fit(some(runs, 0, 4), PROBLEM, METHOD, ("rate",), errors=errors)


@pytest.mark.slow
def test_the_bare_curve_is_that_of_solve():
    for method in (METHOD, ll.SGD(ll.wsd(0.6, 1, 3, 6))):
        found = bare_curve(PROBLEM, method, TIMES)
        np.testing.assert_allclose(
            found["risk"], ll.solve(PROBLEM, method, times=TIMES).risk, rtol=1e-5
        )
        np.testing.assert_allclose(found["loss"], found["risk"] + 0.125)


@pytest.mark.slow
def test_the_covariance_in_time_is_that_of_the_band_and_of_runs(runs):
    found = time_covariance(PROBLEM, METHOD, TIMES)
    band = ll.solve(PROBLEM, METHOD, times=TIMES, limit="fluctuations").std()
    np.testing.assert_allclose(np.sqrt(np.diag(found) / 400), band, rtol=0.005)
    width = np.sqrt(np.diag(found)[1:])
    expected = found[1:, 1:] / np.outer(width, width)
    seen = np.corrcoef(runs.sample("risk").T[1:])
    # Fisher's z of 800 runs has a standard deviation of 1/√797 for normal ones; those of the risk
    # are skewed by some ten per cent
    upper = np.triu_indices(25, 1)
    z = (np.arctanh(seen[upper]) - np.arctanh(expected[upper])) * np.sqrt(797)
    assert np.abs(z).max() < 5
    assert np.abs(np.arctanh(seen[upper]) - np.arctanh(expected[upper] ** 2)).max() * 28 > 5


@pytest.mark.slow
def test_forty_runs_give_back_what_made_them(runs):
    found = ll.fit(some(runs, 0, 40), GUESS, ll.SGD(0.4), FREE)
    for name, (low, high) in found.intervals.items():
        wide = (high - low) / 2
        assert abs(found.estimates[name] - TRUTH[name]) < 2.3 * wide  # 4.5 standard errors
    assert not found.remarks and found.p_value > 1e-3
    assert found.method.rate == found.estimates["rate"]
    text = found.summary()
    assert all(name in text for name in FREE) and "initial_risk" in text
    values, grown = found.profile("rate")
    assert grown[4] == pytest.approx(0, abs=1e-3) and grown[0] > 3 and grown[-1] > 3
    assert found.figure().axes


@pytest.mark.slow
def test_what_a_curve_does_not_tell_is_said(runs):
    """Before it settles, a rate and a risk at the start that the curve does not show trade off."""
    early = ll.Curve.from_runs(runs.time[1:5], runs.sample("risk")[:2, 1:5], axis=0)
    with pytest.warns(ValidityWarning, match=r"not told by this curve"):
        ll.fit(early, GUESS, ll.SGD(0.4), FREE)
    # … and a wrong theory is found out: the negative control
    wrong = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
    with pytest.warns(ValidityWarning, match="does not describe"):
        ll.fit(some(runs, 0, 40), wrong, METHOD, ("noise.scale", "rate"))


@pytest.mark.slow
def test_a_theory_without_a_band_in_time_takes_stated_errors(runs):
    problem = ll.LeastSquares(ll.toeplitz(40, 0.5), ll.Gaussian(0.5))
    curve = ll.simulate(problem, ll.SignSGD(0.4), 2.0, points=9, runs=20, seed=1)
    with pytest.raises(NotAvailable, match="diagonal"):
        ll.fit(curve, problem, ll.SignSGD(0.3), ("rate",))
    for errors in ("runs", curve.sem()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ValidityWarning)
            found = ll.fit(curve, problem, ll.SignSGD(0.3), ("rate",), errors=errors)
        assert found.estimates["rate"] == pytest.approx(0.4, rel=0.2)


@pytest.mark.slow
def test_a_csv_from_the_command_line(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["time,one,two"] + [
        f"{t},{a},{b}" for t, a, b in zip(runs.time, *runs.sample("risk")[:2], strict=True)
    ]
    (tmp_path / "runs.csv").write_text("\n".join(lines))
    (tmp_path / "what.toml").write_text(
        '[problem]\ncovariance = { kind = "power_law", dimension = 400, exponent = 0.5 }\n'
        'noise = { kind = "gaussian", scale = 0.8 }\n[[method]]\nkind = "sgd"\nrate = 0.6\n'
        "[run]\nuntil = 6\n"
    )
    words = ["fit", "what.toml", "runs.csv", "--free", "noise.scale", "--figure", "fit.png"]
    assert main(words) == 0
    assert "noise.scale" in capsys.readouterr().out and (tmp_path / "fit.png").exists()
    (tmp_path / "runs.csv").write_text("0,1\n1,x\n")
    assert main(words) == 2


@pytest.mark.long
@pytest.mark.slow
def test_intervals_of_95_percent_hold_the_truth(runs):
    """200 fits to 4 runs each, from a wrong start."""
    held = dict.fromkeys(FREE, 0)
    strange = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ValidityWarning)
        for first in range(0, 800, 4):
            found = ll.fit(some(runs, first, 4), GUESS, ll.SGD(0.4), FREE)
            strange += found.p_value < 0.01
            for name, (low, high) in found.intervals.items():
                held[name] += low <= TRUTH[name] <= high
    assert all(180 <= count <= 198 for count in held.values()), held
    assert strange < 20
