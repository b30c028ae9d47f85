"""Bad input to the edge-of-stability families: a typed error that names field, value and remedy.

A table of every field of the problems, methods and functions, and what each kind of field refuses.
Nothing is compiled: what is wrong is said before anything runs.
"""

from __future__ import annotations

import numpy as np
import pytest

import limitlab as ll

_NOTHING = {
    "nan": np.nan,
    "inf": np.inf,
    "word": "abc",
    "complex": 1j,
    "empty": [],
    "huge": 10**400,
}
NUMBER = _NOTHING | {"true": True, "list": [1.0, 2.0]}
NOT_NEGATIVE = NUMBER | {"negative": -1.0}
POSITIVE = NOT_NEGATIVE | {"zero": 0.0}
COUNT = {k: v for k, v in POSITIVE.items() if k != "huge"} | {"part": 1.5}
ARRAY = _NOTHING | {
    "nans": [np.nan] * 2,
    "axes": np.ones((2, 1, 1, 1)),
    "ragged": [[1.0], [1.0, 2.0]],
}
#: of a number that may be an array too
MANY = _NOTHING | {"negative": -1.0}
KIND = {"none": None, "number": 3.0, "word": "abc", "class": int}
SAMPLING = {"unknown": "shuffled", "number": 3}

REGRESSION = ll.QuadraticRegression(3, 7, 0.2)
TOY, PAIR = ll.SharpnessToy(2.0, 1.0, 0.01), ll.TwoCurvatures(5.0)
MODEL = ll.TwoEigenvalueModel(0.1, 0.0)
SCALAR = ll.ScalarNetwork([1.2, 0.9])
DIAGONAL = ll.DiagonalLinearNetwork([1.0, 0.5], [0.5, 1.0], [[1.0, 0.3]], [1.0])
MINIMUM = ll.InterpolatingMinimum(features=[[1, 0], [1, 1], [0, 2]])
H = np.array([np.eye(2), 2 * np.eye(2)])
REMEMBERED = {"momentum": NUMBER | {"number": 0.5}, "average": {"number": 3.0}}
REMEMBERED |= {"weight_decay": {"number": 0.1}, "nesterov": {"true": True, "number": 1.0}}
BATCHED = {"batch": COUNT, "sampling": SAMPLING} | REMEMBERED

#: name → (callable, sound arguments, what every field refuses)
TABLE = {
    "SAM": (
        ll.SAM,
        {"rate": 0.3, "radius": 0.1},
        {"rate": POSITIVE, "radius": NOT_NEGATIVE, "normalised": {"number": 1}} | BATCHED,
    ),
    "CDAT": (
        ll.CDAT,
        {"scale": 1.0},
        {"scale": POSITIVE, "ema": NOT_NEGATIVE | {"one": 1.0}, "damping": NOT_NEGATIVE} | BATCHED,
    ),
    "Armijo": (
        ll.Armijo,
        {"c": 0.1},
        dict.fromkeys(("c", "backtrack"), POSITIVE | {"one": 1.0})
        | {"backtrack": POSITIVE | {"one": 1.0, "endless": 1 - 1e-9}}
        | {"increase": POSITIVE, "first": POSITIVE}
        | BATCHED,
    ),
    "Polyak": (ll.Polyak, {"scale": 1.0}, {"scale": POSITIVE, "minimum": NUMBER} | BATCHED),
    "OnEdge": (ll.OnEdge, {"fraction": 0.9}, {"fraction": POSITIVE} | BATCHED),
    "GradientDescent": (ll.GradientDescent, {"rate": 0.3}, {"rate": POSITIVE}),
    "SGD": (ll.SGD, {"rate": 0.3}, {"rate": POSITIVE, "batch": COUNT, "sampling": SAMPLING}),
    "QuadraticRegression": (
        ll.QuadraticRegression,
        {"data": 3, "parameters": 7, "curvature": 0.2},
        {
            "data": COUNT,
            "parameters": COUNT,
            "curvature": NOT_NEGATIVE,
            "jacobian": ARRAY | {"shape": np.ones((2, 7))},
            "residual": ARRAY | {"shape": np.ones(4)},
        },
    ),
    "TwoEigenvalueModel": (
        ll.TwoEigenvalueModel,
        {"epsilon": 0.1, "invariant": 0.0},
        {
            "epsilon": NUMBER | {"same": -1.0},
            "invariant": NUMBER,
            "start": ARRAY | {"shape": [1.0], "negative": [0.0, -1.0]},
        },
    ),
    "TwoEigenvalueModel.from_state": (
        ll.TwoEigenvalueModel.from_state,
        {"weights": [1.0, -0.1], "residual": 0.1, "jacobian": [1.0, 0.2]},
        {
            "weights": ARRAY | {"same": [1.0, 1.0], "zero": [1.0, 0.0]},
            "residual": NUMBER,
            "jacobian": ARRAY,
        },
    ),
    "SharpnessToy": (
        ll.SharpnessToy,
        {"l0": 2.0, "k": 1.0, "alpha": 0.01},
        {
            "l0": NUMBER,
            "k": NUMBER | {"zero": 0.0},
            "alpha": NUMBER,
            "noise": NOT_NEGATIVE,
            "bounded": POSITIVE,
            "bulk": {k: v for k, v in ARRAY.items() if k != "empty"} | {"negative": [-1.0]},
            "start": ARRAY | {"shape": [1.0], "flat": [0.1, -3.0]},
        },
    ),
    "TwoCurvatures": (
        ll.TwoCurvatures,
        {"kappa": 5.0},
        {"kappa": POSITIVE | {"one": 1.0}, "start": ARRAY | {"zero": [0.0, 1.0]}},
    ),
    "ScalarNetwork": (
        ll.ScalarNetwork,
        {"weights": [1.2, 0.9]},
        {"weights": ARRAY | {"zero": [0.0, 1.0], "sign": [-1.0, 1.0], "one": [1.0]}},
    ),
    "DiagonalLinearNetwork": (
        ll.DiagonalLinearNetwork,
        {"u": [1.0, 0.5], "v": [0.5, 1.0], "inputs": [[1.0, 0.3]], "targets": [1.0]},
        {
            "u": ARRAY | {"zero": [0.0, 1.0]},
            "v": ARRAY | {"zero": [0.0, 1.0]},
            "inputs": ARRAY | {"shape": [[1.0]]},
            "targets": ARRAY | {"shape": [1.0, 2.0]},
        },
    ),
    "InterpolatingMinimum": (
        ll.InterpolatingMinimum,
        {"hessians": H},
        {
            "hessians": ARRAY
            | {"indefinite": [np.diag([1.0, -1.0])], "skew": [[[1.0, 1.0], [0.0, 1.0]]]}
            | {"zero": 0 * H, "shape": np.ones((2, 2, 3))},
            "start": ARRAY | {"shape": [1.0]},
        },
    ),
    "InterpolatingMinimum, features": (
        ll.InterpolatingMinimum,
        {"features": np.eye(2)},
        {"features": ARRAY | {"zero": np.zeros((2, 2)), "large": 1e200 * np.eye(2)}},
    ),
    "InterpolatingMinimum.groups": (
        ll.InterpolatingMinimum.groups,
        {"data": 4, "group": 2},
        {"data": COUNT, "group": COUNT | {"odd": 3}, "curvature": POSITIVE},
    ),
    "sam_edge": (
        ll.sam_edge,
        {"rate": 0.5, "radius": 0.1},
        {
            "rate": MANY | {"zeros": [0.0, 1.0]},
            "radius": MANY,
            "gradient": MANY | {"zeros": [0.0, 1.0]},
        },
    ),
    "sam_cycle": (
        ll.sam_cycle,
        {"rate": 0.5, "radius": 0.1, "sharpness": 1.0},
        {"rate": POSITIVE, "radius": NOT_NEGATIVE, "sharpness": POSITIVE | {"beyond": 4.0}},
    ),
    "sam_early_time": (
        ll.sam_early_time,
        {"problem": REGRESSION, "method": ll.SAM(0.1, 0.1)},
        {"problem": KIND, "method": KIND | {"other": ll.SGD(0.1)}},
    ),
    "tuner_predictions": (
        ll.tuner_predictions,
        {"problem": PAIR, "method": ll.CDAT(1.3)},
        {"problem": KIND, "method": KIND},
    ),
    "bifurcation": (
        ll.bifurcation,
        {"problem": PAIR, "method": ll.CDAT(1.3), "field": "scale", "values": [1.3]},
        {
            "problem": KIND,
            "method": KIND,
            "field": {"unknown": "rate", "number": 3.0},
            "values": ARRAY,
            "steps": COUNT,
            "keep": COUNT | {"more": 10**6},
        },
    ),
    "gradient_flow_sharpness": (
        ll.gradient_flow_sharpness,
        {"problem": SCALAR},
        {"problem": KIND | {"other": PAIR}},
    ),
    "stopping_point": (
        ll.stopping_point,
        {"problem": SCALAR, "method": ll.GradientDescent(0.95)},
        {"problem": KIND | {"other": PAIR}, "method": KIND},
    ),
    "quasi_static_attractors": (
        ll.quasi_static_attractors,
        {"squares": [2.0, 1.0, 0.5], "products": [1.9]},
        {
            "squares": ARRAY | {"zero": [0.0, 1.0], "one": [1.0]},
            "products": ARRAY | {"zero": [0.0]},
            "start": POSITIVE,
            "steps": COUNT,
            "samples": COUNT,
        },
    ),
    "sgd_stability": (
        ll.sgd_stability,
        {"problem": MINIMUM, "method": ll.SGD(0.1)},
        {"problem": KIND, "method": KIND},
    ),
    "lyapunov_exponent": (
        ll.lyapunov_exponent,
        {"problem": MINIMUM, "method": ll.SGD(0.1)},
        {"steps": COUNT | {"few": 100}, "seed": {"word": "a", "negative": -1, "part": 1.5}},
    ),
}
CASES = [
    pytest.param(call, sound, field, kinds, id=f"{name}-{field}")
    for name, (call, sound, fields) in TABLE.items()
    for field, kinds in fields.items()
]


def refused(call, *given, **named):
    """What a call is refused with; the message begins with the field and has a remedy."""
    with pytest.raises(ll.InvalidInput) as caught:
        call(*given, **named)
    error = caught.value
    assert str(error).startswith(f"{error.field} = ") and len(error.remedy) > 8
    return error.field


@pytest.mark.parametrize(("call", "sound", "field", "kinds"), CASES)
def test_a_bad_field_is_named_with_its_value_and_a_remedy(call, sound, field, kinds):
    found = {kind: refused(call, **sound | {field: value}) for kind, value in kinds.items()}
    assert found == dict.fromkeys(kinds, field)


@pytest.mark.parametrize("name", [name for name in TABLE if name[0].isupper()])
def test_the_sound_arguments_are_sound(name):
    """Negative control: what is refused above is refused for its field alone."""
    call, sound, _ = TABLE[name]
    assert call(**sound) is not None


# ---- verbs ----

WHEN = {
    "until": POSITIVE | {"far": 1e300},
    "times": ARRAY | {"falling": [0, 5, 3], "negative": [-1, 2], "twice": [0, 0, 1]},
    "points": COUNT | {"many": 10**9},
}
DRAWN = {"seed": {"word": "a", "negative": -1, "part": 1.5}}
RUNS = DRAWN | {"runs": COUNT | {"many": 10**9}}
GIVEN = {
    "tensor": ARRAY | {"shape": np.ones((3, 7, 6)), "skew": np.triu(np.ones((3, 7, 7)))},
    "masks": ARRAY
    | {"short": np.ones((4, 3)), "shape": np.ones((5, 2)), "negative": -np.ones((5, 3))},
}
PAIRS = {
    "SAM on regression": (REGRESSION, ll.SAM(0.3, 0.1, batch=2), GIVEN),
    "SAM on two eigenvalues": (MODEL, ll.SAM(0.3, 0.1), {}),
    "tuner on regression": (REGRESSION, ll.CDAT(1.5, batch=2), GIVEN),
    "tuner on the toy": (TOY, ll.OnEdge(0.9), {}),
    "tuner on two curvatures": (PAIR, ll.CDAT(1.3), {}),
    "scalar network": (SCALAR, ll.GradientDescent(0.9), {}),
    "diagonal network": (DIAGONAL, ll.GradientDescent(0.3), {}),
    "interpolating minimum": (MINIMUM, ll.SGD(0.1), {}),
}
ASKED = [
    pytest.param(verb, problem, method, field, kinds, id=f"{verb.__name__}, {name}-{field}")
    for name, (problem, method, given) in PAIRS.items()
    for verb, own in ((ll.solve, WHEN | DRAWN), (ll.simulate, WHEN | RUNS))
    for field, kinds in (own | given).items()
]


@pytest.mark.parametrize(("verb", "problem", "method", "field", "kinds"), ASKED)
def test_a_bad_option_of_a_verb_is_named(verb, problem, method, field, kinds):
    options = {} if field == "times" else {"until": 5}
    for kind, value in kinds.items():
        # points beyond the memory are told as what so many runs of them take
        names = (field, "runs") if kind == "many" else (field,)
        assert refused(verb, problem, method, **options | {field: value}) in names, kind


@pytest.mark.parametrize(
    ("problem", "method", "options", "field"),
    [
        (REGRESSION, ll.SAM(0.3, 0.1, batch=4), {}, "batch"),
        (REGRESSION, ll.CDAT(1.5, batch=4), {}, "batch"),
        (MINIMUM, ll.SGD(0.1, batch=4), {}, "batch"),
        (MODEL, ll.SAM(0.3, 0.1, batch=2), {}, "batch"),
        (TOY, ll.Polyak(1.0), {}, "problem"),
        (TOY, ll.CDAT(1.5, batch=2), {}, "batch"),
        (PAIR, ll.CDAT(1.5, sampling="bernoulli"), {}, "sampling"),
        (PAIR, ll.CDAT(1.5), {"limit": "slow"}, "limit"),
        (SCALAR, ll.SGD(0.1), {}, "method"),
        (DIAGONAL, ll.GradientDescent(0.1), {"limit": "normal-form"}, "limit"),
    ],
)
def test_pairs_that_have_no_theory_are_refused(problem, method, options, field):
    assert refused(ll.solve, problem, method, 5, **options) == field


@pytest.mark.interpreted
@pytest.mark.parametrize(
    ("problem", "method"),
    [
        (REGRESSION, ll.SAM(1e3, 0.1)),
        (MODEL, ll.SAM(1.0, 1e6)),
        (REGRESSION, ll.CDAT(1e6)),
        (REGRESSION, ll.OnEdge(1e5)),
        (TOY, ll.OnEdge(5.0)),
        (TOY, ll.CDAT(1e8)),
        (PAIR, ll.CDAT(1e8)),
        (SCALAR, ll.GradientDescent(1e3)),
        (DIAGONAL, ll.GradientDescent(1e5)),
        (MINIMUM, ll.SGD(1e5)),
    ],
)
def test_what_runs_away_has_a_status_and_a_warning(problem, method):
    """No NaN without one, and no warning that is not ours (those are errors in the tests)."""
    with pytest.warns(ll.ValidityWarning):
        curve = ll.solve(problem, method, 40, points=5)
    told = curve.provenance
    assert told["state"] in ("diverged", "left_branch")
    assert np.isnan(curve.loss[-1]) and np.isfinite(curve.loss[0])


def test_rates_whose_squares_are_no_floats_are_refused():
    assert refused(ll.sgd_stability, MINIMUM, ll.SGD(1e300)) == "rate"
    assert refused(ll.solve, MINIMUM, ll.SGD(1e300), 5) == "rate"


def test_a_short_run_has_an_exponent():
    """The fewest steps that are taken leave nine parts of a run."""
    found = ll.lyapunov_exponent(MINIMUM, ll.SGD(0.1), 640, seed=0)
    assert found.value < 0 and 0 < found.error < 1


def test_the_edge_of_the_smallest_rate_is_a_number():
    assert ll.sam_edge(1e-300, 1.0) == pytest.approx(np.sqrt(2e300), rel=1e-12)
