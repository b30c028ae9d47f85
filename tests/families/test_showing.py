"""Every noun shows itself, equals its copy, and is left by no pickle changed: all families."""

from __future__ import annotations

import copy
import pickle
import sys
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import ClassVar

import matplotlib
import numpy as np
import pytest
import sympy as sp
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

import limitlab as ll
from limitlab.theory.core import kept
from limitlab.theory.core.discover import examples, families
from limitlab.theory.covariance import COVARIANCES
from limitlab.theory.methods import METHODS
from limitlab.theory.noise import LAWS

pytestmark = [pytest.mark.filterwarnings("ignore::limitlab.ValidityWarning")]

CASES = [
    pytest.param(example, id=f"{family}-{type(example.method).__name__}-{number}")
    for family in families()
    for number, example in enumerate(examples(family))
]
of_every_family = pytest.mark.parametrize("example", CASES)
VOID = {"img", "hr", "br"}


class Page(HTMLParser):
    """Reads a page; every tag must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def shown(thing):
    """The page of an object, read; its LaTeX has balanced braces and stands in a display."""
    tex = thing._repr_latex_()
    assert tex.startswith("$$") and tex.endswith("$$")
    bare = tex.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    return Page(thing._repr_html_())


def test_a_page_with_a_tag_left_open_is_noticed():
    with pytest.raises(AssertionError):
        Page("<table><tr></table>")


# ---- the nouns of every family ----


@of_every_family
def test_problem_and_method_show_what_they_hold(example):
    for noun in (example.problem, example.method):
        page = shown(noun)
        assert type(noun).__name__ in page.text and "table" in page.seen
        assert pickle.loads(pickle.dumps(noun)) == noun == copy.deepcopy(noun)
        for left, right in noun.statement() if isinstance(noun, ll.LeastSquares) else ():
            MathTextParser("agg").parse(f"${left} = {right}$")


@of_every_family
def test_a_system_shows_its_equations_and_equals_its_copies(example):
    limit = {k: v for k, v in example.theory.items() if k == "limit"}
    system = ll.derive(example.problem, example.method, **limit)
    page = shown(system)
    assert {"details", "pre"} <= page.seen and r"\[\begin{aligned}" in page.text
    assert all(step.text in page.text for step in system.steps)
    for twin in (pickle.loads(pickle.dumps(system)), copy.deepcopy(system)):
        assert twin == system and hash(twin) == hash(system)
        assert twin.source == system.source and twin.latex() == system.latex()
    assert replace(system, name="another") != system
    assert replace(system, steps=system.steps[1:]) != system


# the solves of test_families once more: the everyday suite takes one of them
EVERYDAY = [
    p if p.id == "streaming-SGD-0" else pytest.param(*p.values, id=p.id, marks=pytest.mark.slow)
    for p in CASES
]


@pytest.mark.parametrize("example", EVERYDAY)
def test_curve_and_agreement_show_their_numbers(example):
    options = {"points": 6, **example.theory}
    theory = ll.solve(example.problem, example.method, example.until, **options)
    runs = ll.simulate(example.problem, example.method, example.until, points=6, **example.runs)
    report = ll.compare(theory, runs, quantity=example.quantity)
    for curve in (theory, runs):
        page = shown(curve)
        assert {"img", "table", "details"} <= page.seen
        assert f"{curve[example.quantity][-1]:.4g}" in page.text
        assert pickle.loads(pickle.dumps(curve)) == curve == copy.deepcopy(curve)
        table = curve.to_dataframe()
        assert list(table.index) == list(curve.time)
        assert np.array_equal(table[example.quantity], curve[example.quantity], equal_nan=True)
    assert report.verdict.upper() in shown(report).text
    assert pickle.loads(pickle.dumps(report)) == report == copy.deepcopy(report)
    assert replace(report, mean=report.mean * (1 + 1e-12)) != report
    assert len(report.to_dataframe()) == report.times.size


# ---- parts ----


@pytest.mark.parametrize("kind", [*METHODS, *LAWS], ids=lambda kind: kind.__name__)
def test_methods_and_laws_state_their_rule(kind):
    thing = kind(**kind.EXAMPLE)
    assert kind.__name__ in shown(thing).text
    try:
        statement = thing.statement()
    except ll.NotAvailable:
        return  # its step is no function of one residual
    for left, right in statement:
        MathTextParser("agg").parse(f"${left} = {right}$")


@pytest.mark.parametrize("name", COVARIANCES)
def test_covariances_show_their_dimensions(name):
    maker, example = COVARIANCES[name]
    law = maker(**example)
    assert "d &= " in shown(law).text
    assert pickle.loads(pickle.dumps(law)) == law


def test_the_systems_of_adam_with_a_slow_memory_equal_their_copies():
    problem = ll.LeastSquares(ll.isotropic(400), ll.Gaussian(0.5))
    for beta1, beta2 in ((0.0, 0.999), (0.99, 0.999)):
        system = ll.derive(problem, ll.Adam(0.1, beta1, beta2))
        assert pickle.loads(pickle.dumps(system)) == system
        shown(system)


# ---- classes of users ----


@dataclass(frozen=True)
class Table(ll.Method):
    """ψ(ℓ) = Σ_k a_k ℓ^(k+1): a method that holds an array."""

    weights: np.ndarray

    def rule(self, l):
        return sum(float(a) * l ** (k + 1) for k, a in enumerate(self.weights))


@dataclass(frozen=True)
class Wedge(ll.Noise):
    heights: np.ndarray

    def density(self, e):
        return sp.Piecewise((1 - sp.Abs(e), sp.Abs(e) < 1), (0, True)) * float(self.heights[0])

    def sample(self, rng, n):
        return rng.triangular(-1, 0, 1, n)


@dataclass(frozen=True)
class Broken(ll.Method):
    def rule(self, l):
        raise ZeroDivisionError("a rule that raises")


class Named(ll.Noise):
    """A law with an equality of its own."""

    label: ClassVar[str] = "named"

    def __eq__(self, other):
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize("kind, first", [(Table, (0.5,)), (Wedge, ())])
def test_classes_of_users_that_hold_arrays_compare_and_show(kind, first):
    one, same = kind(*first, np.array([1.0, 0.1])), kind(*first, np.array([1.0, 0.1]))
    assert one == same and hash(one) == hash(same)
    assert one != kind(*first, np.array([1.0, 0.2])) and one != 3
    assert pickle.loads(pickle.dumps(one)) == one
    page = shown(one)
    assert kind.__name__ in page.text and "&=" in page.text
    if kind is Table:
        assert "a method that holds an array" in page.text and r"\ell^{2}" in page.text


def test_a_rule_that_raises_is_shown_without_its_equation():
    assert r"\psi" not in shown(Broken(0.5)).text


def test_an_equality_of_ones_own_is_kept():
    assert Named() == 5


def test_text_that_is_html_or_latex_is_shown_as_text():
    curve = ll.Curve([0.0, 1.0], {"a<b": [1.0, 2.0]}, label="<b>50 % of $x_i$ & {more}</b>")
    page = shown(curve)
    assert "b" not in page.seen and "<b>50 %" in page.text and "a<b" in page.text
    report = ll.compare(
        curve, ll.Curve.from_runs([0.0, 1.0], np.ones((30, 2)), "a<b"), quantity="a<b"
    )
    assert "<b>50 %" in shown(report).text


# ---- formulas in pickles ----

x, y = sp.symbols("x y")
i = sp.Symbol("i", integer=True)
OPEN = [
    sp.Mul(2, sp.Add(x, y, evaluate=False), evaluate=False),
    sp.Pow(sp.Pow(x, 2, evaluate=False), 3, evaluate=False),
    sp.exp(0, evaluate=False),
    sp.Max(1, 2, evaluate=False),
    sp.Sum(sp.Add(x, x, evaluate=False), (i, 0, 3)),
    sp.cos(sp.Add(0, x, evaluate=False)),
]


@pytest.mark.parametrize("form", OPEN, ids=str)
def test_a_formula_left_open_stays_open(form):
    assert pickle.loads(kept.written(form)) == form
    assert pickle.loads(pickle.dumps(form)) != form, "sympy keeps it now: theory/core/kept.py"


# ---- plots and tables ----


@pytest.fixture
def runs():
    values = np.random.default_rng(1).lognormal(0.0, 0.2, (30, 5)).cumprod(axis=1)
    return ll.Curve.from_runs(np.arange(5.0), values, label="mine")


def test_a_curve_draws_on_the_users_axes(runs):
    axes = Figure().add_subplot()
    given = runs.plot(axes, color="C3", label="dots", ls="--", band=0.5)
    assert given is axes and axes.get_xlabel() == "" and axes.get_yscale() == "linear"
    (line,) = axes.get_lines()
    assert line.get_label() == "dots" and line.get_color() == "C3" and line.get_linestyle() == "--"
    low, high = np.quantile(runs.sample(), [0.25, 0.75], axis=0)
    edge = axes.collections[0].get_paths()[0].vertices
    assert np.isclose(edge[:, 1].min(), low.min()) and np.isclose(edge[:, 1].max(), high.max())


def test_a_curve_makes_axes_of_its_own(runs):
    before = dict(matplotlib.rcParams)
    axes = runs.plot()
    assert axes.get_ylabel() == "risk" and axes.get_xlabel() and axes.get_yscale() == "log"
    assert runs.plot(band=None).collections[:] == []
    runs._repr_html_()
    assert dict(matplotlib.rcParams) == before
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []


def test_bad_arguments_of_a_plot_are_refused(runs):
    with pytest.raises(ll.NotAvailable, match="quantity"):
        runs.plot(quantity="lost")
    with pytest.raises(ll.InvalidInput, match="band"):
        runs.plot(band=1.5)
    with pytest.raises(ll.InvalidType, match="ax"):
        runs.plot("axes")


def test_single_runs_become_a_table(runs):
    table = runs.to_dataframe(samples=True)
    assert table.index.names == ["run", "time"] and len(table) == 150
    assert np.array_equal(table["risk"].loc[3], runs.sample()[3])
    with pytest.raises(ll.NotAvailable, match="single runs"):
        ll.Curve([0.0, 1.0], {"risk": [1.0, 0.5]}).to_dataframe(samples=True)


def test_without_pandas_the_remedy_is_said(runs, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ll.NotAvailable, match="pip install pandas"):
        runs.to_dataframe()


def test_curves_without_numbers_to_show_show(runs):
    shown(ll.Curve([0.0], {"risk": [1.0]}))
    shown(ll.Curve([0.0, 1.0], {"risk": [np.nan, np.inf]}))
    shown(ll.Curve([0.0, 1.0], {}))


@pytest.mark.slow
def test_a_fit_and_a_frontier_show_their_estimates():
    problem, method = ll.LeastSquares(ll.isotropic(30), ll.Gaussian(0.5)), ll.SGD(0.4)
    runs = ll.simulate(problem, method, 2.0, runs=40, points=9, seed=3, progress=False)
    found = ll.fit(runs, problem, ll.SGD(0.3), ("rate",))
    frontier = ll.compute_frontier(1.0, 0.7, (50, 100, 200, 400, 800))
    for answer, number in (
        (found, f"{found.estimates['rate']:.6g}"),
        (frontier, f"{frontier.exponents['loss'][0]:.3f}"),
    ):
        page = shown(answer)
        assert {"table", "details", "pre"} <= page.seen and number in page.text
        assert pickle.loads(pickle.dumps(answer)) == answer == copy.deepcopy(answer)
    assert replace(frontier, loss=2 * frontier.loss) != frontier
    assert replace(found, chi_square=found.chi_square + 1) != found
