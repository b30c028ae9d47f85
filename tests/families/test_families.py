"""Every family, from derivation to file: what its examples say is what they are held to.

A new family joins by its folder (theory/<family>/example.py), with nothing to add here.
"""

from __future__ import annotations

import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
import sympy as sp
from matplotlib.mathtext import MathTextParser

import limitlab as ll
from limitlab import cli
from limitlab.theory.core.derivation import Derivation
from limitlab.theory.core.discover import examples, families, problems
from limitlab.theory.core.loops import Update
from limitlab.theory.core.map import Map
from limitlab.theory.methods import METHODS
from limitlab.validation.experiment.names import snake

pytestmark = [
    pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning"),
]

CASES = [
    pytest.param(example, id=f"{family}-{type(example.method).__name__}-{number}")
    for family in families()
    for number, example in enumerate(examples(family))
]
of_every_family = pytest.mark.parametrize("example", CASES)
#: whose kernels compile in a second or two; the others are solved in the slow suite
QUICK = (
    "linear-SGD-0",
    "sgd_stability-SGD-0",
    "streaming-SGD-0",
)
of_every_family_solved = pytest.mark.parametrize(
    "example",
    [
        p
        if p.id in QUICK or p.id.startswith(("equilibrium", "feature"))
        else pytest.param(*p.values, id=p.id, marks=pytest.mark.slow)
        for p in CASES
    ],
)


def solved(example, **options):
    return ll.solve(
        example.problem, example.method, example.until, points=6, **(example.theory | options)
    )


def derived(example):
    limit = {k: v for k, v in example.theory.items() if k == "limit"}
    return ll.derive(example.problem, example.method, **limit)


def planted(system, factor):
    """The same system with an error in what it derives."""
    if isinstance(system, Map):
        first, *rest = system.after
        wrong = (
            replace(first, right=factor * first.right)
            if isinstance(first, Update)
            else factor * first
        )
        return replace(system, after=(wrong, *rest))
    if isinstance(system, Derivation):
        equations = tuple(
            (left, factor * right if isinstance(right, sp.Expr) else right)
            for left, right in system.equations
        )
        return replace(system, equations=equations)
    if hasattr(system, "programs"):
        first, *rest = system.programs
        updates = tuple(replace(u, right=factor * u.right) for u in first.updates)
        return replace(system, programs=(replace(first, updates=updates), *rest))
    return replace(system, source_term=factor * system.source_term)


# ---- lists ----


def test_every_method_and_problem_that_ships_has_an_example():
    every = [example for family in families() for example in examples(family)]
    assert {type(example.method) for example in every} >= set(METHODS)
    assert {type(example.problem) for example in every} >= set(problems())


# ---- derive ----


@of_every_family
def test_the_derivation_is_a_system_that_prints(example):
    system = derived(example)
    assert isinstance(system, ll.System)
    assert system.name and system.source and system.explain().startswith("1. ")
    parser = MathTextParser("agg")
    for line in system.latex().splitlines():
        parser.parse(f"${line}$")
    assert system.latex("align").startswith(r"\begin{align}")


@of_every_family
def test_the_derivation_knows_no_number(example):
    """Symbols stand for the numbers, so that another rate derives the same."""
    method = example.method
    # a method that chooses its step has another first number
    name = (
        "rate"
        if method.rate is not None
        else next(f.name for f in fields(method) if f.init and not f.kw_only)
    )
    other = replace(method, **{name: 0.37 * getattr(method, name)})
    limit = {k: v for k, v in example.theory.items() if k == "limit"}
    again = ll.derive(example.problem, other, **limit)
    assert again.source == derived(example).source


# ---- solve ----


@of_every_family_solved
def test_the_given_system_is_the_one_that_is_solved(example):
    own, given = solved(example), solved(example, system=derived(example))
    assert np.array_equal(own[example.quantity], given[example.quantity], equal_nan=True)
    wrong = solved(example, system=planted(derived(example), sp.Float(1.05)))
    gap = np.abs(wrong[example.quantity] / own[example.quantity] - 1)
    assert np.nanmax(gap) > 1e-4


@of_every_family
def test_what_is_no_system_is_refused(example):
    with pytest.raises(ll.InvalidType, match="system"):
        solved(example, system=5)
    with pytest.raises(ll.NotAvailable, match="sovle"):
        solved(example, sovle=1)
    with pytest.raises(ll.NotAvailable, match="limit"):
        solved(example, **{"limit": "no such"})


@of_every_family
def test_limits_are_named_once(example):
    table = ll.limits(example.problem, example.method)
    assert example.theory.get("limit", next(iter(table))) in table
    assert all(
        limit.text and all(o.text for o in limit.options.values()) for limit in table.values()
    )


# ---- simulate and compare ----


@of_every_family_solved
def test_runs_agree_with_the_theory(example):
    theory = solved(example)
    runs = ll.simulate(example.problem, example.method, example.until, points=6, **example.runs)
    report = ll.compare(theory, runs, quantity=example.quantity)
    assert report.passed is not False, report
    figure = ll.overlay(theory, runs, quantity=example.quantity)
    assert figure.axes[-1].get_xlabel() and figure.axes[0].get_ylabel()


@of_every_family_solved
def test_seeds_decide_and_threads_do_not(example):
    def runs(**options):
        return ll.simulate(
            example.problem, example.method, example.until, points=3, **(example.runs | options)
        )[example.quantity]

    if "seed" not in example.runs:
        assert np.array_equal(runs(), runs())
        return
    assert np.array_equal(runs(workers=1), runs(workers=2))
    deterministic = np.array_equal(runs(), runs(seed=2))
    assert not deterministic or isinstance(example.method, ll.GradientDescent)


# ---- files ----


@of_every_family_solved
def test_a_curve_survives_the_disk_and_everything_a_pickle(example, tmp_path):
    curve = solved(example)
    curve.save(tmp_path / "curve.nc")
    back = ll.load(tmp_path / "curve.nc")
    assert back.values.keys() == curve.values.keys()
    for name, values in curve.values.items():
        assert np.array_equal(back[name], values, equal_nan=True)
    for thing in (example.problem, example.method):
        assert pickle.loads(pickle.dumps(thing)) == thing
    system = derived(example)
    again = pickle.loads(pickle.dumps(system))
    # sympy evaluates what it reads, so that a sum may come back in another form
    assert type(again) is type(system) and again.name == system.name
    assert len(again.steps) == len(system.steps)
    assert np.array_equal(pickle.loads(pickle.dumps(curve)).time, curve.time)


# ---- command line ----


@of_every_family
def test_it_is_derived_from_the_command_line(example, capsys):
    words = [snake(type(example.method).__name__)]
    words += ["--problem", snake(type(example.problem).__name__)]
    if "limit" in example.theory:
        words += ["--limit", example.theory["limit"]]
    assert cli.main(["derive", *words, "--latex"]) == 0
    assert "=" in capsys.readouterr().out
