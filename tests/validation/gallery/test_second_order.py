"""Figures on second-order regression and the edge of stability: their numbers, and that wrong data
miss them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from limitlab.solvers.two_eigenvalues.edge_offset import edge_offset
from limitlab.theory.two_eigenvalues.problem import TwoEigenvalueModel
from limitlab.validation.gallery.make import make, module_of, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]

NAMES = (
    "edge_of_one_datapoint",
    "phase_plane",
    "early_sharpening",
    "sharpness_and_batch",
    "edge_of_many",
    "offset_in_many_dimensions",
    "proportional_limit",
    "noise_shifts",
)


@cache
def computed(name):
    module = module_of(name)
    return module, module.compute(module.QUICK)


def missed(name, data):
    """Names of the checks that wrong data miss."""
    return [check.name for check in computed(name)[0].checks(data) if not check.passed]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_hit_and_it_is_drawn(name):
    module, data = computed(name)
    failed = [str(check) for check in module.checks(data) if not check.passed]
    assert not failed, "\n".join(failed)
    for width in ("neurips", "icml"):
        module.draw(data, width)


def test_files_carry_their_provenance(tmp_path):
    made = make("phase_plane")
    assert made.passed, made.report
    pdf, _, report = write(made, tmp_path, ("pdf",))
    assert b"phase_plane" in pdf.read_bytes() and "epsilon = 0.05" in report.read_text()


def test_ends_of_another_invariant_are_rejected():
    _, data = computed("edge_of_one_datapoint")
    wrong = [edge_offset(TwoEigenvalueModel(e, 0.05)) for e in data.parameters.ladder]
    predicted = zip(wrong, data.ladders[0.0], strict=True)
    mixed = [replace(other, predicted=own.predicted) for other, own in predicted]
    assert missed("edge_of_one_datapoint", replace(data, ladders=data.ladders | {0.0: mixed}))


def without_average(data):
    """Averages that start 3 % of their way from where they should."""
    for epsilon, (run, averaged) in data.motions.items():
        T = averaged["T"]
        moved = replace(averaged, values=averaged.values | {"T": T + 0.03 * (T[0] - T[-1])})
        yield epsilon, (run, moved)


def settled_elsewhere(data):
    """Cycles with 1 % more of z² for all y > 0."""
    factor = np.where(data.slow > 2, np.sqrt(1.01), 1.0)
    return replace(data, cycle=data.cycle * factor[:, None])


@pytest.mark.parametrize(
    ("spoil", "seen_by"),
    [
        (lambda d: replace(d, motions=dict(without_average(d))), "order in epsilon of the map"),
        (
            lambda d: replace(d, ends={e: ends - [0, 0.005 * e] for e, ends in d.ends.items()}),
            "median end of all starts",
        ),
        (lambda d: replace(d, cycle=d.cycle + 1e-8), "largest |z| below the flip"),
        (settled_elsewhere, "mean z^2 over y/2"),
    ],
)
def test_another_motion_or_flip_is_rejected(spoil, seen_by):
    _, data = computed("edge_of_one_datapoint")
    wrong = missed("edge_of_one_datapoint", spoil(data))
    assert len(wrong) == 1 and wrong[0].startswith(seen_by)


def test_ends_without_a_prediction_are_drawn_and_not_checked():
    """Where ε(1 + E) is not small an end is shown, and no prediction beside it."""
    module, data = computed("edge_of_one_datapoint")
    beyond = [edge_offset(TwoEigenvalueModel(0.128, 2.0))]
    assert beyond[0].predicted is None
    p = replace(data.parameters, ladder=(*data.parameters.ladder, 0.128))
    longer = {E: ends + beyond for E, ends in data.ladders.items()}
    wider = replace(data, parameters=p, ladders=longer)
    assert not missed("edge_of_one_datapoint", wider)
    module.draw(wider, "icml").draw_without_rendering()


def portraits(data, change):
    """Every portrait with a change."""
    return replace(data, drawn=change(data.drawn), finer=tuple(map(change, data.finer)))


def nullcline_moved(portrait):
    """Two steps that keep z where they should move it by 1 % of a term."""
    z, y = portrait.plane
    return replace(portrait, moved=portrait.moved + 0.01 * np.stack([2 * y * z, 0 * z]))


def other_end(portrait):
    """T of 0.2 % of ε less."""
    return replace(portrait, T=portrait.T - 0.002 * portrait.parameters.epsilon)


def other_squares(portrait):
    """z of 0.2 % more."""
    return replace(portrait, z=1.002 * portrait.z, T=portrait.T + 0.004 * portrait.z)


@pytest.mark.parametrize(
    ("change", "seen_by", "count"),
    [
        (lambda one: replace(one, closed=one.closed * (1 + 1e-9)), "full model", 1),
        (nullcline_moved, "y/(2 z^2)", 1),
        (other_squares, "orbit", 3),
        (other_end, "2 - T at the end", 3),
    ],
)
def test_another_map_is_rejected(change, seen_by, count):
    _, data = computed("phase_plane")
    wrong = missed("phase_plane", portraits(data, change))
    assert sum(seen_by in name for name in wrong) >= count


def test_another_invariant_is_rejected():
    _, data = computed("phase_plane")
    other = portraits(
        data, lambda one: replace(one, parameters=replace(one.parameters, invariant=0.02))
    )
    assert len(missed("phase_plane", other)) == 6


def test_overlaps_are_not_singular_values():
    """The trap of the theory: what is measured for the one put in place of the other."""
    _, data = computed("early_sharpening")
    run = data.runs[8]
    mixed = replace(run.mean, overlap_second=run.mean.singular_shift)
    wrong = replace(data, runs=data.runs | {8: replace(run, mean=mixed)})
    assert missed("early_sharpening", wrong)
    larger = replace(run.mean, overlap_second=1.3 * run.mean.overlap_second)
    assert missed(
        "early_sharpening", replace(data, runs=data.runs | {8: replace(run, mean=larger)})
    )


def bent(run, names, power):
    """The runs whose means follow another power of s, the same at s = 1."""
    mean = run.mean
    changed = {n: getattr(mean, n) * mean.singular_values**power for n in names}
    return replace(run, mean=replace(mean, **changed))


def test_another_power_of_the_full_batch_is_rejected():
    _, data = computed("early_sharpening")
    wrong = replace(data, runs=data.runs | {8: bent(data.runs[8], ["overlap_second"], 0.5)})
    assert "full batch over 1 - h s^2: power of s" in missed("early_sharpening", wrong)


def test_noise_linear_in_s_is_rejected():
    """What noise takes away, of the same size at the largest s."""
    _, data = computed("early_sharpening")
    full, one = data.runs[8].mean.overlap_second, data.runs[1].mean
    s = one.singular_values
    linear = (full - one.overlap_second)[0] * s / s[0]
    mean = replace(one, overlap_second=full - linear)
    wrong = replace(data, runs=data.runs | {1: replace(data.runs[1], mean=mean)})
    assert "what noise takes away: power of s" in missed("early_sharpening", wrong)


def test_noise_of_another_size_is_rejected():
    """The sampling constant of twice the batch."""
    _, data = computed("early_sharpening")
    full, one = data.formula[8].overlap_second, data.formula[1]
    halved = replace(one, overlap_second=full - (full - one.overlap_second) * 3 / 7)
    wrong = replace(data, formula=data.formula | {1: halved})
    assert "what noise takes away: amplitude over the formula" in missed("early_sharpening", wrong)


def test_theory_of_another_batch_is_rejected():
    _, data = computed("sharpness_and_batch")
    name, curves = next(iter(data.spectra.items()))
    swapped = curves | {6: (curves[1][0], curves[6][1])}
    wrong = missed("sharpness_and_batch", replace(data, spectra=data.spectra | {name: swapped}))
    assert "sharpness, dominant top, B = 6" in wrong


def test_noise_of_another_batch_is_rejected():
    """T1 of a batch of two for what a batch of one takes away."""
    _, data = computed("sharpness_and_batch")
    name, curves = next(iter(data.spectra.items()))
    swapped = curves | {1: (curves[2][0], curves[1][1])}
    wrong = missed("sharpness_and_batch", replace(data, spectra=data.spectra | {name: swapped}))
    assert any("around T1" in label for label in wrong)


def test_ends_above_the_edge_are_rejected():
    _, data = computed("edge_of_many")
    assert missed("edge_of_many", replace(data, final=data.final * 1.05))
    theory, runs = data.small
    higher = replace(theory, values=theory.values | {"sharpness": 1.1 * theory["sharpness"]})
    assert missed("edge_of_many", replace(data, small=(higher, runs)))


def without_the_rows(data):
    """What is said to be conserved with 2 % more of z², as if the other modes did not answer."""
    return replace(data, turns={D: 1.02 * turns for D, turns in data.turns.items()})


def ends_at_another_share(data):
    """Offsets of 0.1 % more."""
    return replace(data, offsets={D: 1.001 * each for D, each in data.offsets.items()})


def ends_that_forget(data):
    """The same offset for every excess: that of two curvatures of one ratio."""
    return replace(data, offsets={D: 0 * each + 0.01 for D, each in data.offsets.items()})


def ends_off_by_the_root(data):
    """What is left of the law falls like the root of the excess."""
    off = 1 + 0.05 * np.sqrt(data.excess)[:, None]
    return replace(data, offsets={D: off * start for D, start in data.starts.items()})


@pytest.mark.parametrize(
    ("spoil", "seen_by"),
    [
        (without_the_rows, ["c z^2"]),
        (ends_at_another_share, ["offset over excess"]),
        (ends_that_forget, ["offset over excess", "power of the excess", "order of what is left"]),
        (ends_off_by_the_root, ["order of what is left"]),
    ],
)
def test_other_offsets_in_many_dimensions_are_rejected(spoil, seen_by):
    _, data = computed("offset_in_many_dimensions")
    wrong = missed("offset_in_many_dimensions", spoil(data))
    for name in seen_by:
        assert sum(name in each for each in wrong) == len(data.offsets)


def test_a_slip_in_the_derived_offset_reaches_the_figure(monkeypatch):
    """What is left off the rows is too large by a tenth, and the checks see it."""
    module = module_of("offset_in_many_dimensions")
    theory = module.offset_theory()
    slipped = {
        left: 1.1 * right if str(left) == "leaving" else right for left, right in theory.equations
    }
    wrong = replace(theory, equations=tuple(slipped.items()))
    monkeypatch.setattr(module, "offset_theory", lambda: wrong)
    few = replace(module.QUICK, data=(3,), runs=4)
    found = [check.name for check in module.checks(module.compute(few)) if not check.passed]
    assert any("c z^2" in name for name in found)


def test_a_gap_that_shrinks_like_the_root_is_rejected():
    """T2 shifted by the scatter of one run: what a theory off by O(P^(-1/2)) would show."""
    module, data = computed("proportional_limit")
    spoilt = {}
    for fraction, ensembles in data.runs.items():
        line = data.theory[fraction]["loss"]
        spoilt[fraction] = {
            size: replace(runs, values=runs.values | {"loss": line * (1 + 3 / np.sqrt(size))})
            for size, runs in ensembles.items()
        }
    wrong = missed("proportional_limit", replace(data, runs=spoilt))
    assert "power of P of the gap of the mean" in wrong


def test_scatter_of_another_power_is_rejected():
    """That of the mean, 1/P."""
    _, data = computed("proportional_limit")
    spoilt = {
        fraction: {size: scattered(runs, size**-0.5) for size, runs in ensembles.items()}
        for fraction, ensembles in data.runs.items()
    }
    assert missed("proportional_limit", replace(data, runs=spoilt)) == [
        "power of P of the scatter of one run, beside 1/P"
    ]


def scattered(runs, factor):
    """The runs with their log losses this many times as far apart; the mean curve stays."""
    logs = np.log(runs.sample("loss"))
    narrow = np.exp(logs.mean(axis=0) + factor * (logs - logs.mean(axis=0)))
    return replace(runs, samples=runs.samples | {"loss": narrow})


def test_another_noise_is_rejected():
    """An SDE of half and of twice the variance, and one that shifts the other way."""
    _, data = computed("noise_shifts")
    checked = [f"shift of {name}, SGD over SDE, all h" for name in ("loss", "sharpness")]
    for factor in (0.5, 2.0, -1.0):
        sde = {h: factor * found for h, found in data.sde.items()}
        assert missed("noise_shifts", replace(data, sde=sde)) == checked


def test_shifts_of_another_order_are_rejected():
    """Of SGD, of order 0 and of second order."""
    _, data = computed("noise_shifts")
    for power in (-1, 1):
        sgd = {h: (h / 0.018) ** power * found for h, found in data.sgd.items()}
        wrong = missed("noise_shifts", replace(data, sgd=sgd))
        assert sum("power of h" in name for name in wrong) == 2
