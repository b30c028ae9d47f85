"""Figures on second-order regression and the edge of stability: their numbers, and that wrong data
miss them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from limitlab.solvers.sharpening.edge_offset import edge_offset
from limitlab.theory.sharpening.two_eigenvalues import TwoEigenvalueModel
from limitlab.validation.gallery.make import make, module_of, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.errors.ValidityWarning"),
]

NAMES = (
    "edge_of_one_datapoint",
    "phase_plane",
    "early_sharpening",
    "sharpness_and_batch",
    "edge_of_many",
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
    pdf, report = write(made, tmp_path, ("pdf",))
    assert b"phase_plane" in pdf.read_bytes() and "epsilon = 0.05" in report.read_text()


def test_ends_of_another_invariant_are_rejected():
    _, data = computed("edge_of_one_datapoint")
    wrong = [edge_offset(TwoEigenvalueModel(e, 0.05)) for e in data.parameters.ladder]
    predicted = zip(wrong, data.ladders[0.0], strict=True)
    mixed = [replace(other, predicted=own.predicted) for other, own in predicted]
    assert missed("edge_of_one_datapoint", replace(data, ladders=data.ladders | {0.0: mixed}))


def test_another_map_is_rejected():
    _, data = computed("phase_plane")
    assert missed("phase_plane", replace(data, closed=data.closed * (1 + 1e-9)))
    other = replace(data.parameters, invariant=0.5)
    assert len(missed("phase_plane", replace(data, parameters=other))) >= 2


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


def test_theory_of_another_batch_is_rejected():
    _, data = computed("sharpness_and_batch")
    name, curves = next(iter(data.spectra.items()))
    swapped = curves | {6: (curves[1][0], curves[6][1])}
    wrong = missed("sharpness_and_batch", replace(data, spectra=data.spectra | {name: swapped}))
    assert "sharpness, dominant top, B = 6" in wrong


def test_ends_above_the_edge_are_rejected():
    _, data = computed("edge_of_many")
    assert missed("edge_of_many", replace(data, final=data.final * 1.05))
    theory, runs = data.small
    higher = replace(theory, values=theory.values | {"sharpness": 1.1 * theory["sharpness"]})
    assert missed("edge_of_many", replace(data, small=(higher, runs)))


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


def test_another_noise_is_rejected():
    """An SDE without noise, and one that shifts the other way."""
    _, data = computed("noise_shifts")
    for factor in (0.0, -1.0):
        sde = {h: factor * found for h, found in data.sde.items()}
        assert any("less SDE" in name for name in missed("noise_shifts", replace(data, sde=sde)))
