"""Every figure on clipping hits its numbers, and misses them once a part of it is wrong."""

from dataclasses import replace
from functools import cache

import matplotlib.image
import pytest

from limitlab.validation.gallery.make import make, module_of, write

pytestmark = pytest.mark.slow


@cache
def computed(name):
    module = module_of(name)
    return module, module.compute(module.QUICK)


def scaled(curve, factor):
    """The curve with its risk multiplied, as a wrong constant would do."""
    samples = {name: factor * runs for name, runs in curve.samples.items()}
    values = {**curve.values, "risk": factor * curve.risk}
    spread = {name: factor * one for name, one in curve.spread.items()}
    return replace(curve, values=values, samples=samples, spread=spread)


def narrowed(curve, factor):
    """The curve with its spread multiplied."""
    return replace(curve, spread={name: factor * one for name, one in curve.spread.items()})


def first(mapping, change):
    """The mapping with its first entry changed."""
    key = next(iter(mapping))
    return {**mapping, key: change(mapping[key])}


# ---- wrong data, each with the words by which the check that must see it begins ----


def wrong_clipped_risk(data):
    yield (
        "Gaussian noise, ODE against runs",
        replace(data, cases=first(data.cases, lambda c: replace(c, theory=scaled(c.theory, 1.05)))),
    )
    yield (
        "Gaussian noise, ODE against published SDE",
        replace(data, cases=first(data.cases, lambda c: replace(c, paths=scaled(c.paths, 1.1)))),
    )


def wrong_clipping_maps(data):
    wrong = first(data.maps, lambda m: replace(m, comparison=1.01 * m.comparison))
    yield "Gaussian: largest", replace(data, maps=wrong)
    unclipped = first(data.maps, lambda m: replace(m, comparison=0 * m.comparison + 1))
    yield "Gaussian: mu^2/nu at the smallest c", replace(data, maps=unclipped)


def wrong_matched_drift(data):
    gains, fails = data.pairs
    swapped = {gains: data.pairs[fails], fails: data.pairs[gains]}
    yield "outliers", replace(data, pairs=swapped)
    wrong = first(data.pairs, lambda p: replace(p, clipped=scaled(p.clipped, 1.05)))
    yield "rare outliers, clipped", replace(data, pairs=wrong)


def wrong_clipping_schedules(data):
    yield "best threshold", replace(data, best=scaled(data.best, 1.05))
    yield "smallest risk", replace(data, unclipped=data.best)
    wrong = {p: scaled(curve, 1.05) for p, curve in data.fractions.items()}
    yield "running quantile 0.5", replace(data, fractions=wrong)


def wrong_clipping_beyond_the_edge(data):
    yield "beyond the edge", replace(data, clipped=scaled(data.clipped, 1.05))
    yield "unclipped: growth", replace(data, unclipped_runs=data.clipped_runs)
    yield "stationary risk over", replace(data, risk=1.1 * data.risk)
    yield (
        "risk of the runs at rest",
        replace(data, roots={rate: 1.1 * root for rate, root in data.roots.items()}),
    )


def wrong_clipping_concentration(data):
    yield "spread of the runs", replace(data, exact=data.published)
    yield "|log| of the spread", replace(data, published=data.exact)
    flat = replace(data.slopes.spread_slope, value=-0.4, low=-0.41, high=-0.39)
    yield "slope", replace(data, slopes=replace(data.slopes, spread_slope=flat))


def wrong_clipping_batches(data):
    wrong = {"per-sample": data.paths["mean"], "mean": data.paths["per-sample"]}
    mixed = {
        clip: {B: (theory, wrong[clip][B][1]) for B, (theory, _) in paths.items()}
        for clip, paths in data.paths.items()
    }
    yield "clip every sample, B = 6", replace(data, paths=mixed)
    gains = {**data.gains, "mean": data.gains["per-sample"]}
    yield "clip the mean: B (gain", replace(data, gains=gains)


def wrong_clipping_real_features(data):
    relu, pixels = data.features
    swapped = {relu: data.features[pixels], pixels: data.features[relu]}
    yield "digits, raw pixels", replace(data, features=swapped)
    shifted = first(
        data.features,
        lambda f: replace(
            f, trios=first(f.trios, lambda t: replace(t, theory=scaled(t.theory, 1.1)))
        ),
    )
    yield "digits, random features, clipped SGD", replace(data, features=shifted)


def wrong_no_schedule_of_sgd(data):
    wrong = first(
        data.cases, lambda c: replace(c, runs={k: scaled(r, 1.05) for k, r in c.runs.items()})
    )
    yield "rare outliers, optimal SGD", replace(data, cases=wrong)
    gains, none = data.cases
    swapped = {gains: data.cases[none], none: data.cases[gains]}
    yield "rare outliers: least", replace(data, cases=swapped)
    yield "uniform: distance from 0", replace(data, cases=swapped)
    yield "rare outliers: runs, gain", replace(data, cases=swapped)
    yield "uniform: runs, |gain|", replace(data, cases=swapped)


def wrong_intrinsic_dimension(data):
    flat = min(data.curves)
    alike = dict.fromkeys(data.curves, data.curves[flat])
    yield "steepest spectrum: power of d", replace(data, curves=alike)
    yield "steepest spectrum: spread above", replace(data, curves=alike)
    sizes = {exponent: its[[0, 1, 0]] for exponent, its in data.sizes.items()}
    yield "scatter about the root of d above", replace(data, sizes=sizes)
    published = {
        e: {d: (narrowed(exact, 0.7), runs) for d, (exact, runs) in its.items()}
        for e, its in data.curves.items()
    }
    yield "largest |z|", replace(data, curves=published)


def wrong_clipping_a_network(data):
    clean, fresh = "clean labels", "fresh outliers"
    yield (
        "fresh outliers: heavier",
        replace(data, kurtosis=data.kurtosis | {fresh: data.kurtosis[clean]}),
    )
    outcome = data.outcome | {fresh: data.outcome[clean], clean: data.outcome[fresh]}
    yield "fresh outliers, half of the steps clipped: ln", replace(data, outcome=outcome)
    outcome = data.outcome | {clean: data.outcome[fresh]}
    yield "gain on fresh outliers above", replace(data, outcome=outcome)
    criterion = data.criterion | {fresh: data.criterion[clean]}
    yield "fresh outliers, half of the steps clipped: mu", replace(data, criterion=criterion)


FIGURES = {
    "clipped_risk": wrong_clipped_risk,
    "clipping_maps": wrong_clipping_maps,
    "matched_drift": wrong_matched_drift,
    "clipping_schedules": wrong_clipping_schedules,
    "clipping_beyond_the_edge": wrong_clipping_beyond_the_edge,
    "clipping_concentration": wrong_clipping_concentration,
    "clipping_batches": wrong_clipping_batches,
    "clipping_real_features": wrong_clipping_real_features,
    "no_schedule_of_sgd": wrong_no_schedule_of_sgd,
    "intrinsic_dimension": wrong_intrinsic_dimension,
    "clipping_a_network": wrong_clipping_a_network,
}


@pytest.mark.parametrize("name", FIGURES)
def test_hits_its_numbers_and_is_drawn_at_both_widths(name):
    module, data = computed(name)
    found = module.checks(data)
    assert all(check.passed for check in found), "\n".join(map(str, found))
    for width, inches in (("neurips", 5.5), ("icml", 3.25)):
        assert module.draw(data, width).get_figwidth() == inches


@pytest.mark.parametrize("name", FIGURES)
def test_a_wrong_part_is_seen(name):
    module, data = computed(name)
    cases = list(FIGURES[name](data))
    assert cases
    for words, wrong in cases:
        failed = [check.name for check in module.checks(wrong) if not check.passed]
        assert any(one.startswith(words) for one in failed), (words, failed)


def test_the_map_of_another_law_is_not_that_of_its_samples():
    module, data = computed("clipping_maps")
    p, laws = module.QUICK, module._laws()
    wrong = data.maps["Laplace"].comparison
    rng = module.np.random.default_rng(2)
    z = module._scores(laws["Gaussian"], wrong, data.risk, data.threshold, p.samples, rng)
    assert abs(z).max() > 10


def test_written_with_provenance(tmp_path):
    made = make("clipping_maps", width="icml")
    assert made.passed, made.report
    pdf, png, _, text = write(made, tmp_path, ("pdf", "png"))
    assert b"clipping_maps" in pdf.read_bytes() and text.read_text() == made.report
    assert matplotlib.image.imread(png).shape[1] > 900
