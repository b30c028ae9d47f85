"""compare on synthetic ensembles whose truth is known: false alarms, power, verdicts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import stats

from limitlab.solvers.core.curve import Curve
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.agreement.compare import compare, interpolate
from limitlab.validation.agreement.significance import holm, p_values

TIMES = np.linspace(0, 4, 51)
RATE, FLOOR = 0.5, 0.25
#: standard deviation of the logarithm of one run at d = 1000, and its memory
SPREAD, MEMORY = 0.08, 1.0


def risk(drift=1.0, noise=1.0):
    """Risk of SGD on isotropic data: dR/dt = −A R + B (2R + σ²), A = 2η, B = η²/2."""
    a, b = 2 * RATE * drift, RATE**2 / 2 * noise
    level = b * FLOOR / (a - 2 * b)
    return level + (1 - level) * np.exp(-(a - 2 * b) * TIMES)


def derivative(name, h=1e-4):
    return (risk(**{name: 1 + h}) - risk(**{name: 1 - h})) / (2 * h)


def theory(finite_size=0.0, **provenance):
    return Curve(
        TIMES,
        {"risk": risk()},
        diagnostics={
            "finite_size": np.full(TIMES.size, finite_size),
            "drift_sensitivity": derivative("drift"),
            "noise_sensitivity": derivative("noise"),
        },
        provenance={"finite_size_origin": "computed", **provenance},
    )


def ensemble(mean, rng, runs=200):
    """Runs that share the correlation in time of a diffusion and are certain at t = 0."""
    step = np.diff(TIMES)
    paths = np.zeros((runs, TIMES.size))
    for i, h in enumerate(step):
        keep = np.exp(-h / MEMORY)
        kick = SPREAD * np.sqrt(1 - keep**2) * rng.standard_normal(runs)
        paths[:, i + 1] = keep * paths[:, i] + kick
    return Curve.from_runs(TIMES, mean * (1 + paths), axis=0)


def rejections(mean, repetitions, seed, curve=None, **options):
    rng = np.random.default_rng(seed)
    curve = curve or theory()
    reports = (compare(curve, ensemble(mean, rng), **options) for _ in range(repetitions))
    return sum(report.passed is False for report in reports)


@pytest.mark.slow
def test_false_alarms_stay_below_the_level():
    """At level 5 % over all times; the bound is the 99.9 % point of the binomial law."""
    count = rejections(risk(), 400, seed=1, level=0.05)
    assert count <= stats.binom.isf(1e-3, 400, 0.05)


def test_without_holm_the_false_alarms_would_be_seen():
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        runs = ensemble(risk(), rng)
        gap = runs.risk[1:] - risk()[1:]
        p = p_values(gap, runs.sem("risk")[1:], np.zeros(gap.size), np.full(gap.size, 199.0))
        alarms += p.min() <= 0.05
    assert alarms > stats.binom.isf(1e-3, 200, 0.05)


@pytest.mark.slow
def test_no_false_alarm_at_the_default_level():
    assert rejections(risk(), 400, seed=3) <= stats.binom.isf(1e-3, 400, 1e-3)


@pytest.mark.slow
def test_false_alarms_over_many_repetitions():
    """At most 1e-3 per comparison: the bound is the 99.9 % point over 3000 repetitions."""
    assert rejections(risk(), 3000, seed=4) <= stats.binom.isf(1e-3, 3000, 1e-3)


def test_a_bias_inside_the_margin_raises_no_alarm():
    curve = theory(finite_size=0.01)
    assert rejections(1.01 * risk(), 200, seed=5, curve=curve) <= stats.binom.isf(1e-3, 200, 1e-3)


def test_the_same_bias_without_the_margin_is_rejected():
    assert rejections(1.02 * risk(), 50, seed=6) >= 45
    assert rejections(1.02 * risk(), 50, seed=6, margin=0.02) == 0


@pytest.mark.parametrize("name", ["drift", "noise"])
def test_detectable_is_what_is_detected(name):
    """An error of the announced detectable size is rejected 99 times in 100, or oftener."""
    report = compare(theory(0.001), ensemble(risk(), np.random.default_rng(7)))
    size = getattr(report, f"detectable_{name}")
    for sign in (-1, 1):
        wrong = risk(**{name: 1 + sign * size})
        count = rejections(wrong, 100, seed=8, curve=theory(0.001))
        assert count >= stats.binom.isf(1 - 1e-3, 100, 0.98)


@pytest.mark.slow
def test_five_percent_of_the_drift_is_rejected():
    for sign in (-1, 1):
        assert rejections(risk(drift=1 + 0.05 * sign), 200, seed=9) >= 198


def test_p_value_without_margin_is_the_two_sided_t_test():
    x = np.random.default_rng(10).normal(0.3, 1, 25)
    sem = x.std(ddof=1) / 5
    ours = p_values(np.array([x.mean()]), np.array([sem]), np.zeros(1), np.array([24.0]))
    assert ours[0] == pytest.approx(stats.ttest_1samp(x, 0).pvalue, rel=1e-12)


def test_p_value_at_the_boundary_is_uniform():
    """With the truth at the margin, P ≤ u has probability u; it is smaller inside."""
    rng = np.random.default_rng(11)
    x = rng.normal(0.5, 1.0, (20000, 10))
    sem = x.std(axis=1, ddof=1) / np.sqrt(10)
    dof = np.full(20000, 9.0)
    p = p_values(x.mean(axis=1), sem, np.full(20000, 0.5), dof)
    assert np.mean(p <= 0.01) <= 0.01 + 3 * np.sqrt(0.01 / 20000)
    inside = p_values(x.mean(axis=1), sem, np.full(20000, 0.7), dof)
    assert np.mean(inside <= 0.01) < 0.005


def test_holm_by_hand():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(p) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_zero_standard_error_is_decided_by_the_margin():
    gap, zero = np.array([0.1, 0.3]), np.zeros(2)
    assert p_values(gap, zero, np.full(2, 0.2), np.full(2, 9.0)).tolist() == [1.0, 0.0]


def test_agreement_reads_well():
    report = compare(theory(0.002), ensemble(risk(), np.random.default_rng(12)))
    assert report.passed is True and report.verdict == "agrees" and bool(report)
    assert report.times[0] > 0 and report.times.size == 50
    assert report.margin == pytest.approx(0.002)
    assert report.max_z < 5 and report.gap < 0.05 and report.detectable < 0.05
    text = str(report)
    for word in ("AGREES", "0.2 %", "computed", "detectable", "200", "0.001"):
        assert word in text


def test_too_few_runs_are_undecided():
    report = compare(theory(), ensemble(1.5 * risk(), np.random.default_rng(13), runs=19))
    assert report.verdict == "undecided" and report.passed is None


def test_a_blunt_ensemble_is_undecided():
    report = compare(theory(), ensemble(risk(), np.random.default_rng(14), runs=20))
    assert report.verdict == "undecided" and report.detectable > 0.05
    assert "add runs" in report.reason


@pytest.mark.parametrize("seed", [30, 31, 32])
def test_the_number_of_runs_that_would_decide_decides(seed):
    """From 60 runs to the announced number: decided there, undecided (the control) at a half.

    The spread of 60 runs is known to 1/sqrt(118) = 9 %, so their number to 18 %.
    """
    few = compare(theory(), ensemble(risk(), np.random.default_rng(seed), runs=60))
    assert few.verdict == "undecided" and f"about {few.deciding_runs} would decide" in few.reason
    for share, verdict in ((1.4, "agrees"), (0.5, "undecided")):
        runs = round(share * few.deciding_runs)
        assert runs >= 20
        more = compare(theory(), ensemble(risk(), np.random.default_rng(seed + 50), runs=runs))
        assert more.verdict == verdict


def test_too_few_runs_say_how_many_would_decide():
    wide = theory(0.03)  # of which 2 % are left for chance
    report = compare(wide, ensemble(risk(), np.random.default_rng(33), runs=10))
    assert report.deciding_runs > 20
    assert f"at least 20 are needed and about {report.deciding_runs} would" in report.reason


def test_no_number_of_runs_decides_where_the_margin_hides_errors():
    report = compare(theory(), ensemble(risk(), np.random.default_rng(34)), margin=0.2)
    assert report.deciding_runs is None and "no number of runs decides" in report.reason


def test_real_rows_are_a_finding():
    runs = ensemble(2 * risk(), np.random.default_rng(35))
    streamed = {**runs.provenance, "engine": "rows"}
    real = dataclasses.replace(runs, provenance=streamed, label="rows of mine")
    found, control = compare(theory(), real), compare(theory(), runs)
    assert control.verdict == "disagrees"
    assert found.verdict == "finding" and found.passed is None and not found
    assert "the gap is a finding" in str(found) and "DISAGREES" not in str(found)
    assert "100 %" in str(found) and "rows of mine" in str(found) and "e+0" not in str(found)


def test_a_time_without_spread_asks_for_the_clock():
    """Runs recorded one step late: all at their start, where the theory has moved on."""
    runs = ensemble(risk(), np.random.default_rng(36))
    samples = runs.sample("risk").copy()
    samples[:, 1] = samples[0, 0] * (1 + 1e-15 * np.arange(len(samples)))
    report = compare(theory(), Curve.from_runs(runs.time, samples))
    where = f"no spread at t = {runs.time[1]:.4g}: a shifted clock?"
    assert report.verdict == "disagrees" and where in report.reason
    assert report.max_z < 10
    control = compare(theory(), runs)
    assert control.verdict == "agrees" and "clock" not in str(control)


def test_runs_without_any_chance_are_held_to_the_margin():
    same = Curve.from_runs(TIMES, np.tile(risk() * 1.001, (30, 1)))
    assert "clock" not in compare(theory(), same, margin=0.002).reason
    assert compare(theory(), same, margin=0.0).verdict == "disagrees"


def test_margin_that_hides_five_percent_is_undecided():
    report = compare(theory(), ensemble(risk(), np.random.default_rng(15)), margin=0.2)
    assert report.verdict == "undecided"


@pytest.mark.parametrize("flag", ["heavy_tailed", "near_instability"])
def test_without_meaningful_standard_errors_quantiles_are_reported(flag):
    runs = ensemble(2 * risk(), np.random.default_rng(16))
    report = compare(theory(**{flag: True}), runs)
    assert report.verdict == "quantiles" and report.passed is None
    assert report.quantiles[0.5] == pytest.approx(np.median(runs.sample("risk"), axis=0)[1:])
    assert "q0.5" in str(report) and "standard errors mean nothing" in str(report)


def test_other_grids_are_interpolated():
    """50 other times, the last one rounded up by half a step: no gap comes from the grids."""
    fine = np.linspace(0, 4, 1001)
    level = 0.03
    values = level + (1 - level) * np.exp(-fine)
    curve = Curve(TIMES, {"risk": level + (1 - level) * np.exp(-TIMES)})
    assert np.max(np.abs(interpolate(TIMES, curve.risk, fine) / values - 1)) < 2e-5
    times = np.append(np.linspace(0, 3.9, 40), 4.0005)
    rng = np.random.default_rng(17)
    x = level + (1 - level) * np.exp(-times) + 0.01 * rng.standard_normal((100, times.size))
    runs = dataclasses.replace(
        Curve.from_runs(times, x), steps=np.append(np.arange(0, 4000, 100), 4001)
    )
    assert compare(curve, runs).times[-1] == pytest.approx(4.0005)


def test_paths_with_their_own_error_are_compared_by_welch():
    rng = np.random.default_rng(18)
    paths = dataclasses.replace(ensemble(risk(), rng, runs=100), kind="theory")
    report = compare(paths, ensemble(risk(), rng))
    expected = np.hypot(paths.sem("risk")[-1], SPREAD * risk()[-1] / np.sqrt(200))
    assert report.sem[-1] == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"level": 0.0}, "level"),
        ({"level": 1.5}, "level"),
        ({"margin": -0.1}, "margin"),
        ({"margin": np.nan}, "margin"),
    ],
)
def test_bad_arguments_are_named(change, field):
    with pytest.raises(InvalidInput) as caught:
        compare(theory(), ensemble(risk(), np.random.default_rng(19)), **change)
    assert caught.value.field == field


def test_bad_curves_are_named():
    runs = ensemble(risk(), np.random.default_rng(20))
    with pytest.raises(InvalidInput, match="theory comes first"):
        compare(runs, theory())
    late = Curve.from_runs(TIMES + 10, runs.sample("risk"))
    with pytest.raises(InvalidInput, match="no time"):
        compare(theory(), late)
    broken = dataclasses.replace(theory(), values={"risk": np.where(TIMES > 2, np.nan, 1.0)})
    with pytest.raises(InvalidInput, match="not finite"):
        compare(broken, runs)
