"""Figures on SAM and on the sharpness at the end of gradient flow; wrong data miss their checks."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from limitlab.validation.gallery.make import module_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]

NAMES = (
    "sam_at_the_edge",
    "sam_slope",
    "sam_batches",
    "sam_phase_plane",
    "flow_sharpness",
    "sam_on_a_network",
    "flow_sharpness_of_a_network",
    "tuners_on_a_network",
    "tuners_on_regression",
)


@cache
def computed(name):
    module = module_of(name)
    return module, module.compute(module.QUICK)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_hit_and_it_is_drawn(name):
    module, data = computed(name)
    failed = [str(check) for check in module.checks(data) if not check.passed]
    assert not failed, "\n".join(failed)
    for width in ("neurips", "icml"):
        module.draw(data, width)


def converged_as_beyond(data):
    """A run that converges in the place of the one that does not."""
    return replace(data, beyond=data.runs[5.0])


def slope_of_leading_order(data):
    """Samples of 5 % more than was measured."""
    return replace(data, samples={r: 1.05 * s for r, s in data.samples.items()})


def without_a_turn(data):
    """A difference that keeps its first sign, as the reduced equations have it."""
    return replace(data, difference=-np.abs(data.difference))


def batches_exchanged(data):
    """The formula of B = D for every batch."""
    formula = {k: np.full_like(v, v[-1]) for k, v in data.formula.items()}
    return replace(data, formula=formula)


def ends_moved_up(data):
    """Ends 2 % higher."""
    portraits = {r: replace(one, ends=1.02 * one.ends) for r, one in data.portraits.items()}
    return replace(data, portraits=portraits)


def sharper_along_the_way(data):
    """A sharpness at the end of the flow that rises by 1e-6 in a step."""
    run = data.run
    phi = run.flow_sharpness.copy()
    phi[-100:] += 1e-6  # where nothing moves any more
    return replace(data, run=replace(run, values=run.values | {"flow_sharpness": phi}))


def predicted_at_the_edge(data):
    ends = data.ends.copy()
    ends[:, 0] = 2
    return replace(data, ends=ends)


def network_runs_exchanged(data):
    """The runs of the largest radius as those of gradient descent."""
    radii = list(data.runs)
    return replace(data, runs=dict(zip(radii, reversed(data.runs.values()), strict=True)))


def flow_that_rises(data):
    """A sharpness at the end of the flow that is .1 % higher at the last step."""
    ends = {
        edge: [*found[:-1], replace(found[-2], sharpness=1.001 * found[-2].sharpness)]
        for edge, found in data.ends.items()
    }
    return replace(data, ends=ends)


def greedy_as_cdat_two(data):
    """Greedy that ends where CDAT 2 does."""
    return replace(data, rules=data.rules | {"greedy (CDAT 1)": data.rules["CDAT 2"]})


def scales_exchanged(data):
    """The two largest scales end where the other one does."""
    batches = {}
    for batch, ends in data.batches.items():
        before, last = list(ends)[-2:]
        batches[batch] = {**ends, before: ends[last], last: ends[before]}
    return replace(data, batches=batches)


def steps_of_the_other(data):
    return replace(data, step=-data.step)


def descent_as_the_recursion(data):
    """The same curves twice."""
    return replace(data, runs=data.theory)


def sharper_descent(data):
    """Runs of 20 % more sharpness: the spread over curvatures hides less."""
    runs = {
        name: replace(c, samples=c.samples | {"sharpness": 1.2 * c.sample("sharpness")})
        for name, c in data.runs.items()
    }
    return replace(data, runs=runs)


def greedy_as_near_two(data):
    return replace(data, theory=data.theory | {"greedy (CDAT 1)": data.theory["CDAT 1.9"]})


def batches_alike(data):
    ends = data.batches[data.parameters.data]
    return replace(data, batches=dict.fromkeys(data.batches, ends))


def first_steps_exchanged(data):
    one, other = data.first
    return replace(data, first={one: data.first[other], other: data.first[one]})


def one_radius(data):
    """The same run at every radius."""
    first = next(iter(data.runs.values()))
    return replace(data, runs=dict.fromkeys(data.runs, first))


def flow_that_stands_still(data):
    """A sharpness at the end of the flow that never moves, known without error."""
    ends = {e: [replace(found[0], error=0.0)] * len(found) for e, found in data.ends.items()}
    return replace(data, ends=ends)


def constant_along_the_way(data):
    """A sharpness at the end of the flow that does not move along descent."""
    run = data.run
    still = np.full_like(run.flow_sharpness, run.flow_sharpness[-1])
    return replace(data, run=replace(run, values=run.values | {"flow_sharpness": still}))


@pytest.mark.parametrize(
    ("name", "spoil", "seen_by"),
    [
        ("sam_at_the_edge", converged_as_beyond, "beyond: product above 2"),
        ("sam_slope", slope_of_leading_order, "largest |z| of slopes"),
        ("sam_slope", without_a_turn, "difference after that"),
        ("sam_batches", batches_exchanged, "largest |z|"),
        ("sam_phase_plane", ends_moved_up, "highest end over the edge"),
        ("flow_sharpness", sharper_along_the_way, "largest rise of the flow"),
        ("sam_on_a_network", network_runs_exchanged, "fall of the last sharpness"),
        ("flow_sharpness_of_a_network", flow_that_rises, "largest rise of phi"),
        ("tuners_on_a_network", greedy_as_cdat_two, "CDAT 2 above greedy"),
        ("tuners_on_a_network", steps_of_the_other, "above a greedy one"),
        ("tuners_on_a_network", scales_exchanged, "at the smallest batch"),
        ("flow_sharpness", predicted_at_the_edge, "what is missed of an end"),
        ("flow_sharpness", constant_along_the_way, "fall of the flow's sharpness"),
        ("flow_sharpness_of_a_network", flow_that_stands_still, "fall of phi"),
        ("sam_at_the_edge", one_radius, "spread of the ends"),
        ("tuners_on_regression", descent_as_the_recursion, "recursion less descent"),
        ("tuners_on_regression", sharper_descent, "recursion less descent"),
        ("tuners_on_regression", greedy_as_near_two, "the best constant rate above greedy"),
        ("tuners_on_regression", batches_alike, "smallest batch"),
        ("tuners_on_regression", first_steps_exchanged, "above a greedy one"),
    ],
)
def test_wrong_data_are_rejected(name, spoil, seen_by):
    module, data = computed(name)
    missed = [check.name for check in module.checks(spoil(data)) if not check.passed]
    assert any(seen_by in check for check in missed), missed
