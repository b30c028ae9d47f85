"""Figures on the stochastic edge: every number is hit, and none is hit by a wrong theory."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure

from limitlab.solvers.curve import Curve
from limitlab.validation.gallery.make import Made, module_of, write

pytestmark = pytest.mark.slow

FIGURES = (
    "loss_across_the_stochastic_edge", "rate_and_batch_plane", "collapse_on_the_kernel_norm",
    "kernel_norm_bracket", "networks_at_the_edges", "network_and_its_expansion", "controlled_edge",
)  # fmt: skip


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
    return Curve(curve.time, {**curve.values, name: values}, curve.spread, curve.samples,
                 steps=curve.steps, kind=curve.kind, provenance=curve.provenance)  # fmt: skip


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
        model: replace(plane, edge={
            batch: replace(plane.beyond[batch], theory=0.0) for batch in plane.edge
        })
        for model, plane in data_of(name).items()
    }  # fmt: skip
    assert len(failures(name, wrong)) >= 5  # of three batches of two models


def test_the_edge_without_noise_is_seen():
    """Where K is not asked, single runs below the edge of descent are said to fall."""
    name = "rate_and_batch_plane"
    wrong = {}
    for model, plane in data_of(name).items():
        critical = {**plane.critical, "exact": np.ones_like(plane.critical["exact"])}
        wrong[model] = replace(plane, critical=critical)
    assert sum("single runs" in failed for failed in failures(name, wrong)) == 2


def test_other_norms_do_not_collapse():
    """Every other batch has its norms in reversed order."""
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    shifted = {
        batch: cases if k % 2 else cases[::-1]
        for k, (batch, cases) in enumerate(data.batches.items())
    }
    assert any("spread" in failed for failed in failures(name, replace(data, batches=shifted)))


def test_wrong_loss_with_momentum_is_seen():
    name = "collapse_on_the_kernel_norm"
    data = data_of(name)
    wrong = {mu: replace(case, theory=scaled(case.theory)) for mu, case in data.momenta.items()}
    assert len(failures(name, replace(data, momenta=wrong))) >= 3


def test_an_exact_norm_without_its_law_is_seen():
    name = "kernel_norm_bracket"
    data = data_of(name)
    wrong = {
        model: {**forms, "exact": np.full_like(forms["exact"], 1.1)}
        for model, forms in data.ratios.items()
    }
    assert failures(name, replace(data, ratios=wrong))
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
    assert len(failures(name, wrong)) >= 4


def test_a_wrong_expansion_is_seen():
    name = "network_and_its_expansion"
    data = data_of(name)
    assert failures(name, replace(data, errors={**data.errors, 2: data.errors[1]}))
    assert len(failures(name, replace(data, quadratic=data.linear))) == 2


def test_a_norm_that_is_not_held_is_seen():
    name = "controlled_edge"
    data = data_of(name)
    assert failures(name, replace(data, theory=scaled(data.theory, factor=1.4)))
    kept = {target: (0.0, 0.0) for target in data.network.held}
    assert failures(name, replace(data, network=replace(data.network, held=kept)))
