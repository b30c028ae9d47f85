"""Figures on the stochastic edge: every number is hit, and none is hit by a wrong theory."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure

from limitlab.solvers.core.curve import Curve
from limitlab.validation.gallery.make import Made, module_of, write

pytestmark = pytest.mark.slow

FIGURES = (
    "loss_across_the_stochastic_edge",
    "rate_and_batch_plane",
    "collapse_on_the_kernel_norm",
    "kernel_norm_bracket",
    "networks_at_the_edges",
    "network_and_its_expansion",
    "controlled_edge",
    "kernel_norm_along_training",
    "edge_held_on_a_fine_grid",
)


@cache
def data_of(name):
    """What the figure computes in its quick form, once."""
    module = module_of(name)
    return module.compute(module.QUICK)


def failures(name, data):
    return [check.name for check in module_of(name).checks(data) if not check.passed]


@pytest.mark.parametrize("name", FIGURES)
def test_every_number_is_hit(name):
    failed = [check for check in module_of(name).checks(data_of(name)) if not check.passed]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", ["neurips", "icml"])
def test_it_is_drawn(name, width):
    figure = module_of(name).draw(data_of(name), width)
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()


def test_the_file_carries_its_parameters(tmp_path):
    name = FIGURES[0]
    module = module_of(name)
    figure = module.draw(data_of(name), "neurips")
    figure.provenance = {"parameters": {"runs": module.QUICK.runs}}
    (file, _) = write(Made(name, figure, (), "", 0.0), tmp_path, ("pdf",))
    assert json.dumps({"runs": module.QUICK.runs}).encode() in file.read_bytes()


# ---- negative controls: data of which one part is wrong ----


def scaled(curve, name="loss", factor=1.1):
    """The curve with one quantity too large; its start stays."""
    values = curve[name] * np.where(curve.time > 0, factor, 1.0)
    return Curve(
        curve.time,
        {**curve.values, name: values},
        curve.spread,
        curve.samples,
        steps=curve.steps,
        kind=curve.kind,
        provenance=curve.provenance,
    )


def faster(growth):
    """Growth whose theory is that of a rate 5 % higher."""
    return growth and replace(growth, theory=growth.theory + 5 * growth.percent)


def test_a_wrong_mean_loss_or_growth_is_seen():
    name = "loss_across_the_stochastic_edge"
    data = data_of(name)
    for change in (lambda c: {"exact": scaled(c.exact)}, lambda c: {"growth": faster(c.growth)}):
        wrong = {
            model: {batch: replace(case, **change(case)) for batch, case in cases.items()}
            for model, cases in data.models.items()
        }
        assert failures(name, replace(data, models=wrong))


def test_growth_at_the_closure_is_seen():
    name = "rate_and_batch_plane"
    wrong = {
        model: replace(
            plane, edge={batch: replace(plane.beyond[batch], theory=0.0) for batch in plane.edge}
        )
        for model, plane in data_of(name).items()
    }
    assert len(failures(name, wrong)) >= 5  # of three batches of two models


def test_the_edge_without_noise_is_seen():
    """Where K is not asked, single runs below the edge of descent are said to fall."""
    name = "rate_and_batch_plane"
    wrong = {}
    for model, plane in data_of(name).items():
        critical = {**plane.critical, "exact": np.ones_like(plane.critical["exact"])}
        wrong[model] = replace(plane, critical=critical)
    assert sum("single runs" in failed for failed in failures(name, wrong)) == 2


def ends_moved(case, change):
    """The case with another logarithm of the final exact loss."""
    return replace(case, theory=scaled(case.theory, factor=np.exp(change)))


def test_a_norm_off_by_little_is_seen():
    """Half of what c = 1/B for (D − B)/(B(D − 1)) does to the largest small batch, at one norm."""
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    batch = data.largest_small_batch
    first, second, *others = data.batches[batch]
    slope = (second.end - first.end) / np.log(data.norms[1] / data.norms[0])
    wrong = (ends_moved(first, 0.015 * slope), second, *others)
    (failed,) = failures(name, replace(data, batches=data.batches | {batch: wrong}))
    assert "off the line" in failed


def test_norms_of_the_wrong_order_do_not_collapse():
    """A departure of twice the first order of the step."""
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    moved = {
        batch: tuple(ends_moved(case, 2 * case.step) for case in cases)
        for batch, cases in data.batches.items()
    }
    assert any("spread" in failed for failed in failures(name, replace(data, batches=moved)))


def test_wrong_loss_with_momentum_is_seen():
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    wrong = {mu: replace(case, theory=scaled(case.theory)) for mu, case in data.momenta.items()}
    assert len(failures(name, replace(data, momenta=wrong))) >= 3


def test_momentum_that_acts_by_another_order_is_seen():
    """The lag of momentum 1/2 made that of (1 − mu)⁻¹, half of it."""
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    lag = data.momenta[0.5].end - data.momenta[0.0].end
    moved = {0.5: ends_moved(data.momenta[0.5], -lag / 2)}
    failed = failures(name, replace(data, momenta=data.momenta | moved))
    assert len(failed) == 1 and "power" in failed[0]


def law_broken(form, model="Gaussian features", factor=1.0, power=0.0):
    """Names of the checks that miss an excess over the closure with another size, or power of D."""
    name = "kernel_norm_bracket"
    data = data_of(name)
    forms = data.ratios[model]
    wrong = tuple(
        1 + (draws - 1) * factor * (D / data.dimensions[-1]) ** power
        for D, draws in zip(data.dimensions, forms[form], strict=True)
    )
    ratios = data.ratios | {model: {**forms, form: wrong}}
    return failures(name, replace(data, ratios=ratios))


def test_a_second_moment_norm_without_its_law_is_seen():
    """A tenth too much, and 1/P for 2/P."""
    for factor in (0.5, 1.1):
        failed = law_broken("second_moment", factor=factor)
        assert any("K_2/K_closure" in name for name in failed)
    data = data_of("kernel_norm_bracket")
    other = replace(data, excess=data.excess * 1.1)
    (failed,) = failures("kernel_norm_bracket", other)
    assert "K_2/K_closure" in failed


def test_an_exact_norm_without_its_law_is_seen():
    name = "kernel_norm_bracket"
    data = data_of(name)
    (failed,) = failures(name, replace(data, share=1.4 * data.share))
    assert "limit" in failed
    assert any("limit" in failed for failed in law_broken("exact", power=0.5))


def test_few_modes_whose_norm_closes_are_seen():
    failed = law_broken("exact", "power-law spectrum", power=-1.0)
    assert any("power-law" in name and "rise" in name for name in failed)


def test_growth_of_another_rate_is_seen():
    name = "kernel_norm_bracket"
    data = data_of(name)
    late = {
        size: replace(rates, mean_square=tuple(map(faster, rates.mean_square)))
        for size, rates in data.growth.items()
    }
    assert sum("E|z|^2" in failed for failed in failures(name, replace(data, growth=late))) >= 4


def test_sharpness_that_does_not_fall_with_the_batch_is_seen():
    name = "networks_at_the_edges"
    data = data_of(name)
    squared = data.curves["squared"]
    swapped = dict(zip(squared, [*squared.values()][::-1], strict=True))
    wrong = replace(data, curves={**data.curves, "squared": swapped})
    assert sum("with the batch" in failed for failed in failures(name, wrong)) == 2


def test_another_norm_or_start_is_seen():
    """The norm of a batch that is too large, and the cross-entropy of other units."""
    name = "networks_at_the_edges"
    data = data_of(name)
    squared = data.curves["squared"]
    larger = replace(data, curves={**data.curves, "squared": {**squared, 3: squared[16]}})
    assert any("norm" in failed for failed in failures(name, larger))
    entropy = {
        batch: replace(
            curve,
            values={**curve.values, "loss": 1.05 * curve.loss, "sharpness": 1.05 * curve.sharpness},
        )
        for batch, curve in data.curves["cross_entropy"].items()
    }
    wrong = replace(data, curves={**data.curves, "cross_entropy": entropy})
    assert sum("first" in failed for failed in failures(name, wrong)) == 2


def test_a_wrong_expansion_is_seen():
    name = "network_and_its_expansion"
    data = data_of(name)
    assert failures(name, replace(data, errors={**data.errors, 2: data.errors[1]}))
    level = {key: np.ones_like(shares) for key, shares in data.shares.items()}
    assert len(failures(name, replace(data, shares=level))) == 2


def test_a_norm_that_is_not_held_is_seen():
    name = "controlled_edge"
    data = data_of(name)
    assert failures(name, replace(data, theory=scaled(data.theory)))
    gone = {target: (float("nan"), float("nan")) for target in data.network.held}
    lost = replace(data, network=replace(data.network, held=gone))
    assert any("up to 1/2" in failed for failed in failures(name, lost))
    kept = {target: (0.0, 0.0) for target in data.network.held}
    assert failures(name, replace(data, network=replace(data.network, held=kept)))


def test_a_kernel_that_stands_still_is_seen():
    """Norms in proportion to the rate, those of the smallest one."""
    name = "kernel_norm_along_training"
    data = data_of(name)
    still = {}
    for batch, cells in data.norms.items():
        first = min(cells)
        still[batch] = {rate: cells[first] * rate / first for rate in cells}
    wrong = failures(name, replace(data, norms=still))
    assert sum("power of the rate" in failed for failed in wrong) == len(still)


def test_norms_that_stay_above_1_are_seen():
    name = "kernel_norm_along_training"
    data = data_of(name)
    high = {
        B: {rate: 5 * norms for rate, norms in cells.items()} for B, cells in data.norms.items()
    }
    wrong = failures(name, replace(data, norms=high))
    assert len(wrong) >= 3 and all("below 1" in failed for failed in wrong)


def test_a_held_norm_that_wins_or_draws_is_seen():
    """Groups in each other's place, and the same runs for both."""
    name = "edge_held_on_a_fine_grid"
    data = data_of(name)
    swapped = failures(name, replace(data, held=data.constant, constant=data.held))
    equal = failures(name, replace(data, held=data.constant))
    for wrong in (swapped, equal):
        assert sum("loses to the best constant rate" in failed for failed in wrong) == len(
            data.held
        )


def test_grids_that_end_at_their_best_are_seen():
    name = "edge_held_on_a_fine_grid"
    data = data_of(name)
    short = {
        batch: {x: ends for x, ends in cells.items() if x <= 0.08}
        for batch, cells in data.constant.items()
    }
    wrong = failures(name, replace(data, constant=short))
    assert sum("constant rate: the highest" in failed for failed in wrong) == len(short)
