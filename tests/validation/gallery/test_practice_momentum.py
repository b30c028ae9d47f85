"""The figures on what people run hit their numbers, and miss them once a part is wrong."""

from dataclasses import replace
from functools import cache

import pytest

from limitlab.validation.gallery.make import module_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]


@cache
def computed(name):
    module = module_of(name)
    return module, module.compute(module.QUICK)


def scaled(curve, factor):
    """The curve with its quantities multiplied, as a wrong constant would do."""
    return replace(curve, values={n: factor * v for n, v in curve.values.items()})


def test_hits_its_numbers_and_is_drawn_at_both_widths():
    module, data = computed("momentum_and_averages")
    found = module.checks(data)
    assert all(check.passed for check in found), "\n".join(map(str, found))
    for width, inches in (("neurips", 5.5), ("icml", 3.25)):
        assert module.draw(data, width).get_figwidth() == inches


def test_a_wrong_part_is_seen():
    module, data = computed("momentum_and_averages")
    theory, runs = data.pairs["slow memory"]
    rests = {k: (rates, 1.01 * risks, edge) for k, (rates, risks, edge) in data.rests.items()}
    cases = {
        "slow memory": replace(
            data, pairs={**data.pairs, "slow memory": (scaled(theory, 1.12), runs)}
        ),
        "average": replace(data, average=(scaled(data.average[0], 1.05), data.average[1])),
        "largest": replace(data, rests=rests),
        "runs: last risk": replace(
            data, pairs={**data.pairs, "lengthening memory": data.pairs["SGD"]}
        ),
    }
    for words, wrong in cases.items():
        failed = [check.name for check in module.checks(wrong) if not check.passed]
        assert any(one.startswith(words) for one in failed), (words, failed)
