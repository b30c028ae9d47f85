"""Figures on signSGD: every number is hit, and none is hit by a wrong theory or other runs."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from matplotlib.figure import Figure

from limitlab.validation.gallery.make import Made, make, module_of, write

pytestmark = pytest.mark.slow

FIGURES = (
    "noise_functions",
    "sign_bands",
    "sign_against_sgd",
    "preconditioning",
    "stationary_risk",
    "noise_reshaping",
    "batches_and_votes",
    "adam_memory",
    "sign_breakdown",
    "four_effects",
    "real_rows",
)


@cache
def data_of(name):
    """What the figure computes in its quick form, once."""
    module = module_of(name)
    return module.compute(module.QUICK)


@pytest.mark.parametrize("name", FIGURES)
def test_every_number_is_hit(name):
    failed = [check for check in module_of(name).checks(data_of(name)) if not check.passed]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("width", ["neurips", "icml"])
@pytest.mark.parametrize("name", FIGURES)
def test_it_draws_at_both_widths(name, width):
    assert isinstance(module_of(name).draw(data_of(name), width), Figure)


def test_files_hold_what_they_were_made_from(tmp_path):
    made = make("noise_functions")
    assert isinstance(made, Made) and made.passed, made.report
    pdf, caption, text = write(made, tmp_path, ("pdf",))
    assert json.dumps(made.figure.provenance["figure"]).encode() in pdf.read_bytes()
    assert text.read_text() == made.report
    assert caption.read_text().startswith(made.figure.provenance["title"][:1].upper())


def scaled(curve, factor=1.05):
    """The curve with its values off by a factor."""
    return replace(curve, values={name: factor * array for name, array in curve.values.items()})


def all_scaled(curves):
    return {key: scaled(curve) for key, curve in curves.items()}


def both_scaled(curves):
    return {key: all_scaled(pair) for key, pair in curves.items()}


def alike(limits):
    """The limit that is right in place of the other one too."""
    return {right: {name: pair[right] for name in pair} for right, pair in limits.items()}


def without(data, effect):
    """The effect's runs in the place of those without it, or what lacks the effect as the limit."""
    if effect == "noise":
        return replace(data, unshaped=data.pairs[effect]["signSGD"][0])
    last = list(data.pairs[effect].values())[-1]
    return replace(data, pairs=data.pairs | {effect: dict.fromkeys(data.pairs[effect], last)})


def rows_as_inputs(data):
    """Runs on Gaussian inputs in the place of those on rows."""
    trios = {
        kind: {name: replace(its, on_rows=its.runs) for name, its in trio.items()}
        for kind, trio in data.trios.items()
    }
    return replace(data, trios=trios)


def off(data):
    """Limits that are 20 % off."""
    trios = {
        kind: {name: replace(its, theory=scaled(its.theory, 1.2)) for name, its in trio.items()}
        for kind, trio in data.trios.items()
    }
    return replace(data, trios=trios)


def repaired(data, theory, share):
    """Both theories with the gaps of one, the split equations with a share of them."""
    gaps = data.gaps[theory]
    return replace(data, gaps=np.stack([gaps, share * gaps]))


def grown(data, power):
    """Gaps and their errors times a power of d."""
    factor = data.dimensions.astype(float) ** power
    return replace(data, gaps=data.gaps * factor, errors=data.errors * factor)


def tilted(data, power):
    """Stationary risks times a power of the rate."""
    factor = data.rates**power
    return replace(data, risks={law: factor * risks for law, risks in data.risks.items()})


def times(mapping, factor):
    """Every number off by a factor."""
    return {key: factor * value for key, value in mapping.items()}


def rotated(mapping):
    """Each key with what belongs to the next one."""
    values = list(mapping.values())
    return dict(zip(mapping, values[1:] + values[:1], strict=True))


#: figure, what is wrong in its data, and the checks that must see it
def theories_rotated(drawn):
    """Every law's residuals beside the φ of the next law."""
    theory = rotated({law: found[2] for law, found in drawn.items()})
    return {law: np.stack([*found[:2], theory[law]]) for law, found in drawn.items()}


WRONG = [
    ("noise_functions", lambda d: replace(d, compression=rotated(d.compression)), "Psi(0)"),
    ("noise_functions", lambda d: replace(d, drawn=theories_rotated(d.drawn)), "phi of drawn"),
    ("noise_functions", lambda d: replace(d, phi={k: 1.05 * v for k, v in d.phi.items()}), "phi"),
    ("sign_bands", lambda d: replace(d, exact=all_scaled(d.exact)), "mean of the runs"),
    ("sign_bands", lambda d: replace(d, exact=d.published), "spread of the runs over the exact"),
    ("sign_bands", lambda d: replace(d, published=d.exact), "published over exact band"),
    ("sign_against_sgd", lambda d: replace(d, theory=all_scaled(d.theory)), "signSGD, Gaussian"),
    ("sign_against_sgd", lambda d: replace(d, theory=all_scaled(d.theory)), "SGD, Rademacher"),
    ("sign_against_sgd", lambda d: replace(d, risk=1.1 * d.risk), "stationary risk of SGD"),
    ("preconditioning", lambda d: replace(d, runs=rotated(d.runs)), "signSGD, $K$ diagonal"),
    ("preconditioning", lambda d: replace(d, sign=d.sgd), "condition number"),
    (
        "preconditioning",
        lambda d: replace(d, late=times(d.late, 1.01)),
        "late speed of signSGD, K diagonal, over turned",
    ),
    (
        "preconditioning",
        lambda d: replace(d, late=times(d.late, 0.99)),
        "late speed of signSGD, K diagonal, over SGD",
    ),
    ("stationary_risk", lambda d: replace(d, theory=all_scaled(d.theory)), "runs near rest, Lap"),
    ("stationary_risk", lambda d: replace(d, risks=rotated(d.risks)), "R of signSGD over"),
    ("stationary_risk", lambda d: replace(d, sgd=1.05 * d.sgd), "R of SGD over"),
    ("stationary_risk", lambda d: replace(d, beyond=1), "stable risks of SGD"),
    *(
        ("stationary_risk", lambda d: replace(d, risks=times(d.risks, 1.01)), f"R over its {law}")
        for law in (
            "small-rate law, Gaussian",
            "small-rate law, Laplace",
            "large-rate law, no noise",
            "large-rate law, Laplace",
            "large-rate law, Cauchy",
        )
    ),
    *(
        ("stationary_risk", lambda d: tilted(d, 0.03), f"exponent for small rates, {law}")
        for law in ("no noise", "Gaussian", "Laplace", "Rademacher")
    ),
    ("noise_reshaping", lambda d: replace(d, drawn=d.effect.correlation), "drawn signs"),
    ("noise_reshaping", lambda d: replace(d, drawn=d.effect.weak), "drawn signs"),
    ("noise_reshaping", lambda d: replace(d, along=1.05 * d.along), "drawn signs along"),
    ("noise_reshaping", lambda d: replace(d, along=0.01 * d.along), "drawn signs: least"),
    ("batches_and_votes", lambda d: replace(d, split=d.limit), "split equations, sign-of-mean, B"),
    ("batches_and_votes", lambda d: replace(d, runs=rotated(d.runs)), "split equations, majority"),
    ("batches_and_votes", lambda d: replace(d, rest=rotated(d.rest)), "2 R g_B(R)"),
    ("adam_memory", lambda d: replace(d, limits=both_scaled(d.limits)), "memory short: its limit"),
    ("adam_memory", lambda d: replace(d, runs=rotated(d.runs)), "memory long: its limit"),
    (
        "adam_memory",
        lambda d: replace(d, limits=alike(d.limits)),
        "memory short: the limit of another",
    ),
    (
        "adam_memory",
        lambda d: replace(d, limits=alike(d.limits)),
        "memory long: the limit of another",
    ),
    ("adam_memory", lambda d: replace(d, drift=1.01 * d.drift), "gamma of the stream"),
    ("adam_memory", lambda d: replace(d, variance=1.002 * d.variance), "s_A^2 of the stream"),
    *(
        ("adam_memory", lambda d: replace(d, exact=1 - 1.01 * (1 - d.exact)), f"slope of {name}")
        for name in ("gamma", "s_A^2")
    ),
    (
        "adam_memory",
        lambda d: replace(d, limits=alike(d.limits)),
        "memory long, with momentum: the",
    ),
    ("four_effects", lambda d: without(d, "rate"), "effective rate: signSGD below SGD"),
    ("four_effects", lambda d: without(d, "rate"), "without rate"),
    ("four_effects", lambda d: without(d, "compression"), "compression: Laplace below"),
    ("four_effects", lambda d: without(d, "axes"), "without axes"),
    ("four_effects", lambda d: without(d, "noise"), "without noise"),
    ("four_effects", lambda d: without(d, "noise"), "noise reshaping"),
    ("real_rows", rows_as_inputs, "random features, signSGD: rows above"),
    ("real_rows", rows_as_inputs, "random features: that over the distance of Adam"),
    ("real_rows", off, "digits, random features, Adam"),
    ("real_rows", off, "digits, random features, signSGD"),
    ("sign_breakdown", lambda d: repaired(d, 0, 0.5), "largest gap of the split"),
    ("sign_breakdown", lambda d: repaired(d, 1, 0.5), "smallest gap of the limit"),
    ("sign_breakdown", lambda d: grown(d, -0.1), "exponent of d, all"),
    (
        "sign_breakdown",
        lambda d: grown(d, -0.5),
        "exponent of d, even start, B = 8: limit from runs",
    ),
    (
        "sign_breakdown",
        lambda d: grown(d, -0.1),
        "exponent of d, even start, B = 8: limit from split equations",
    ),
]


@pytest.mark.parametrize("case", range(len(WRONG)), ids=[f"{w[0]}: {w[2]}" for w in WRONG])
def test_a_wrong_part_is_seen(case):
    name, spoil, seen_by = WRONG[case]
    checks = module_of(name).checks(spoil(data_of(name)))
    failed = [check.name for check in checks if not check.passed]
    assert any(found.startswith(seen_by) for found in failed), failed
