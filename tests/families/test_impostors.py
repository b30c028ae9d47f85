"""Classes that are merely called like shipped ones, or state a family that they are not of.

Every verb and every function that takes a problem refuses them by a typed error, never another.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields

import pytest

import limitlab as ll
from limitlab.theory.core.discover import examples, families, problems
from limitlab.theory.methods import METHODS

VERBS = {
    "derive": lambda problem, method: ll.derive(problem, method),
    "solve": lambda problem, method: ll.solve(problem, method, 1),
    "solve many": lambda problem, method: ll.solve(problem, [method], 1),
    "simulate": lambda problem, method: ll.simulate(problem, method, 1),
    "limits": lambda problem, method: ll.limits(problem, method),
    "sweep": lambda problem, method: ll.sweep(problem, method, {"rate": [0.1]}, until=1),
    "convergence": lambda problem, method: ll.convergence(
        lambda d: problem, method, dimensions=(10, 20, 40), until=1, runs=20
    ),
    "fit": lambda problem, method: ll.fit(CURVE, problem, method, free=("rate",)),
}
CURVE = ll.Curve.from_runs([0.0, 0.5, 1.0], [[1.0, 0.9, 0.8]] * 20)
of_every_verb = pytest.mark.parametrize("verb", VERBS)
KINDS = {kind.__name__: kind for kind in problems()}
FIRST = {family: examples(family)[0] for family in families()}
#: what no class of a user's may say of itself: families, and folders that are none
ALIEN = (*families(), "core", "methods", "nowhere", "", "core.problem", 5, None)


def called(name, *bases, **fields):
    return type(name, bases, {"__module__": __name__, **fields})


def impostors(name):
    """Objects of classes of this name, none of which is the shipped one."""
    yield called(name)()
    yield called(name, ll.Problem)()  # states no family
    yield dataclass(frozen=True)(called(name, ll.Problem))()
    yield from (called(name, ll.Problem, family=alien)() for alien in ALIEN)


def refused(call, *args):
    with pytest.raises(ll.LimitlabError) as caught:
        call(*args)
    return caught.value


@of_every_verb
@pytest.mark.parametrize("name", KINDS)
def test_a_problem_that_is_merely_called_so_is_refused(verb, name):
    for impostor in impostors(name):
        error = refused(VERBS[verb], impostor, ll.SGD(0.1))
        assert isinstance(error, ll.InvalidType), error


@of_every_verb
@pytest.mark.parametrize("name", KINDS)
def test_a_problem_of_one_family_is_not_of_another(verb, name):
    kind = KINDS[name]
    example = next(e for f in families() for e in examples(f) if type(e.problem) is kind)
    for alien in ALIEN:
        if alien == kind.family:
            continue
        wrong = called(name, kind, family=alien)
        names = (f.name for f in fields(kind))
        moved = object.__new__(wrong)
        vars(moved).update({name: getattr(example.problem, name) for name in names})
        assert isinstance(refused(VERBS[verb], moved, example.method), ll.InvalidType), alien


@pytest.mark.parametrize("family", families())
@pytest.mark.parametrize("kind", METHODS, ids=lambda kind: kind.__name__)
def test_a_method_that_is_merely_called_so_is_refused(family, kind):
    """The name, the fields, even the families of a shipped method make no theory."""
    name, problem = kind.__name__, FIRST[family].problem
    bare = called(name, ll.Method)(0.1)
    stolen = called(name, ll.Method, families={problem.family: family, **kind.families})(0.1)
    for impostor in (called(name)(), bare, stolen):
        for verb in ("derive", "solve", "simulate"):
            refused(VERBS[verb], problem, impostor)


def test_a_class_derived_from_a_shipped_one_is_of_its_family():
    """The control: what the checks above would refuse if they refused too much."""
    heir = called("Mine", ll.LinearModel)(spectrum=[1.0, 0.5])
    assert ll.derive(heir, called("MySGD", ll.SGD)(0.1)) == ll.derive(
        ll.LinearModel(spectrum=[1.0, 0.5]), ll.SGD(0.1)
    )


@pytest.mark.parametrize("kind", [ll.SAM, ll.GradientPenalty, ll.WeightNoise])
def test_a_method_derived_from_a_shipped_one_is_derived_as_that(kind):
    """Not by its name: a child of SAM that is called otherwise still climbs first."""
    problem = ll.SingleIndex(20, ll.ReLU(), norm=0.8, overlap=0.3)
    heir, own, plain = (
        ll.derive(problem, one)
        for one in (called("Mine", kind)(0.3, 0.2), kind(0.3, 0.2), ll.GradientDescent(0.3))
    )
    assert heir == own
    assert heir.body != plain.body


# ---- functions that take a problem ----

FUNCTIONS = {
    name: value
    for name in ll.__all__
    if callable(value := getattr(ll, name))
    and not inspect.isclass(value)
    and next(iter(inspect.signature(value).parameters), "") == "problem"
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_refuses_what_is_no_problem_of_its_kind(name):
    function = FUNCTIONS[name]
    needed = [
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    ]
    given = {"method": ll.SGD(0.1), "over": {"rate": [0.1]}, "free": ("rate",), "field": "rate"}
    rest = {one: given.get(one, 0.5) for one in needed[1:]}
    for impostor in (5, None, *impostors("LeastSquares"), ll.SGD(0.5), ll.LeastSquares):
        refused(lambda problem=impostor: function(problem, **rest))
