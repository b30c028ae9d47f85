"""The derivation: one statement of a rule, lowered to everything."""

import dataclasses
import math

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.nodes import PanelIntegral, PieceIntegral
from limitlab.theory.core.symbols import decay_rate, dimension, energy, risk, source_weight
from limitlab.theory.streaming.derive import bind

PROBLEM = ll.LeastSquares(ll.isotropic(400), noise=ll.Gaussian(0.5))
METHODS = (ll.SGD(0.5), ll.SignSGD(0.4), ll.ClippedSGD(0.8, 1.0), ll.Huber(0.8, 1.0))
eta = sp.Symbol("eta", positive=True, real=True)


def definitions(system):
    return {f.func.__name__: e for f, e in system.definitions}


def test_unclipped_sgd_is_the_linear_system():
    system = ll.derive(PROBLEM, ll.SGD(0.5))
    found = definitions(system)
    assert found["mu"] == 1
    variance = sp.Symbol("sigma^2", nonnegative=True, real=True)
    assert sp.expand(found["N"] - (2 * risk + variance)) == 0


def test_the_mode_equation_has_the_published_form():
    """−2 η κ μ λ y + η² N q/(2d), with κ = √(2/π) for the sign."""
    for method, kappa in ((ll.Huber(0.8, 1.0), 1), (ll.SignSGD(0.4), sp.sqrt(2 / sp.pi))):
        system = ll.derive(PROBLEM, method)
        mu, power = (f for f, _ in system.definitions[:2])
        drift = -2 * eta * kappa * mu * decay_rate * energy
        source = eta**2 * power * source_weight / (2 * dimension)
        assert sp.simplify(system.drift - drift) == 0
        assert sp.simplify(system.source_term - source) == 0


def test_gaussian_sign_has_the_closed_form():
    mu = definitions(ll.derive(PROBLEM, ll.SignSGD(0.4)))["mu"].doit()
    sigma = sp.Symbol("sigma", positive=True, real=True)
    exact = 2 / sp.sqrt(2 * sp.pi * (2 * risk + sigma**2))
    assert sp.simplify(mu - exact) == 0


def test_huber_and_clipped_sgd_share_their_limit_and_differ_in_how_they_act():
    clipped, huber = (ll.derive(PROBLEM, m) for m in METHODS[2:])
    assert clipped.definitions == huber.definitions
    assert clipped.drift == huber.drift
    assert clipped.acts_on == "norm"
    assert huber.acts_on == "residual"


def test_a_new_number_never_changes_the_code():
    sources = {ll.derive(PROBLEM, ll.ClippedSGD(r, c)).source for r, c in ((0.8, 1.0), (0.1, 7.0))}
    assert len(sources) == 1


def test_schedule_floats_are_parameters():
    first = ll.SignSGD(0.4 / (1 + ll.t / 3.5) ** 0.5)
    second = ll.SignSGD(0.2 / (1 + ll.t / 1.25) ** 0.75)
    systems = [ll.derive(PROBLEM, m) for m in (first, second)]
    assert systems[0].source == systems[1].source
    assert set(bind(systems[0], PROBLEM, first).p) >= {0.4, 0.5}


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
def test_systems_are_hashable_values(method):
    one, two = ll.derive(PROBLEM, method), ll.derive(PROBLEM, method)
    assert one == two
    assert hash(one) == hash(two)


def test_infinite_variance_without_clipping_has_no_limit():
    heavy = ll.LeastSquares(ll.isotropic(10), noise=ll.Cauchy(0.3))
    with pytest.raises(ll.NoLimit, match=r"noise = Cauchy.*clip"):
        ll.derive(heavy, ll.SGD(0.5))
    with pytest.raises(ll.NoLimit):
        ll.derive(heavy, ll.ClippedSGD(0.5, math.inf))
    ll.derive(heavy, ll.SignSGD(0.5))


def test_coordinate_rules_other_than_the_sign_are_refused():
    @dataclasses.dataclass(frozen=True)
    class Odd(ll.Method):
        acts_on = "coordinate"

        def rule(self, l):  # noqa: E741
            return sp.tanh(l)

    with pytest.raises(ll.NotAvailable, match="sign"):
        ll.derive(PROBLEM, Odd(0.5))


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
def test_shipped_pairs_need_no_general_integration(method, monkeypatch):
    """Integration by parts and the moment recursion suffice: milliseconds, closed forms."""

    def refuse(*_, **__):
        raise AssertionError("a shipped pair reached sympy.integrate")

    monkeypatch.setattr(sp, "integrate", refuse)
    for law in (ll.Gaussian(0.31), ll.Uniform(0.91), ll.Laplace(0.61), ll.StudentT(5, 0.4)):
        system = ll.derive(ll.LeastSquares(ll.isotropic(10), noise=law), method)
        # beside a closed form stand the panels that take over where it cancels
        bare = [sp.sympify(e).replace(PieceIntegral, lambda *_: 0) for _, e in system.definitions]
        assert not any(sp.sympify(e).has(PanelIntegral) for e in bare)


def perturbed(system, field):
    return dataclasses.replace(system, **{field: sp.Rational(21, 20) * getattr(system, field)})


@pytest.mark.parametrize("field", ["drift", "source_term"])
def test_a_perturbed_system_changes_everything(field, interpreted):
    """Curve, SDE, LaTeX and generated code are lowerings of the same two fields."""
    method = ll.SignSGD(0.4)
    problem = ll.LeastSquares(ll.isotropic(50), noise=ll.Gaussian(0.5))
    system = ll.derive(problem, method)
    changed = perturbed(system, field)
    assert changed.latex() != system.latex()
    assert changed.source != system.source
    curves = [ll.solve(problem, method, until=1, system=s).risk for s in (system, changed)]
    assert abs(curves[1][-1] / curves[0][-1] - 1) > 1e-3
    paths = [
        ll.solve(problem, method, until=1, limit="sde", paths=2, points=3, seed=1, system=s).risk
        for s in (system, changed)
    ]
    assert abs(paths[1][-1] / paths[0][-1] - 1) > 1e-3


def test_the_curve_follows_a_planted_drift_error(interpreted):
    """A 5 % error in the drift acts like a 5 % larger rate in a noiseless, source-free problem."""
    problem = ll.LeastSquares(ll.isotropic(math.inf), noise=ll.NoNoise())
    method = ll.SGD(0.5)
    system = ll.derive(problem, method)
    bare = dataclasses.replace(perturbed(system, "drift"), source_term=sp.S.Zero)
    curve = ll.solve(problem, method, until=2, system=bare)
    assert np.allclose(curve.risk, np.exp(-2 * 0.5 * 1.05 * curve.time), rtol=1e-7)


def test_a_system_that_is_not_linear_in_the_modes_is_refused():
    system = dataclasses.replace(ll.derive(PROBLEM, ll.SGD(0.5)), drift=-(energy**2))
    with pytest.raises(ll.InvalidInput, match="drift"):
        _ = system.source


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
@pytest.mark.parametrize(
    "law",
    [ll.Gaussian(0.5), ll.Uniform(0.9), ll.Laplace(0.6), ll.StudentT(4, 0.5)],
    ids=lambda n: type(n).__name__,
)
def test_latex_is_drawn_by_mathtext(method, law):
    from matplotlib.mathtext import MathTextParser

    text = ll.derive(ll.LeastSquares(ll.isotropic(10), noise=law), method).latex()
    parser = MathTextParser("path")
    for line in text.splitlines():
        assert "\\begin" not in line
        parser.parse(f"${line}$")


def test_latex_in_an_environment():
    text = ll.derive(PROBLEM, ll.SGD(0.5)).latex(environment="align")
    assert text.startswith("\\begin{align}\n")
    assert text.count("&=") == len(ll.derive(PROBLEM, ll.SGD(0.5)).latex().splitlines())


def test_explain_goes_from_the_step_to_the_equation():
    text = ll.derive(PROBLEM, ll.ClippedSGD(0.8, 1.0)).explain()
    for word in ("E[Δu]", "E[Δu²]", "Itô", "drift", "source_term", "Stein"):
        assert word in text


LAWS = (ll.Gaussian(0.5), ll.Laplace(0.6), ll.Uniform(0.5), ll.StudentT(3, 0.5), ll.NoNoise())


@pytest.mark.parametrize("law", LAWS, ids=repr)
def test_the_square_of_the_sign_is_one(law):
    problem = ll.LeastSquares(ll.isotropic(10), noise=law)
    assert definitions(ll.derive(problem, ll.SignSGD(0.4)))["N"] == 1


@pytest.mark.parametrize("law", LAWS, ids=repr)
@pytest.mark.parametrize("limit", ["ode", "fluctuations"])
def test_no_function_is_printed_twice(law, limit):
    problem = ll.LeastSquares(ll.isotropic(10), noise=law)
    source = ll.derive(problem, ll.ClippedSGD(0.8, 1.0), limit=limit).source
    bodies = [text.partition("(")[2] for text in source.split("def _")[1:]]
    assert len(set(bodies)) == len(bodies) > 0
