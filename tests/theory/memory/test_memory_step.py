"""One step with memory, its limit, and what a method says that it keeps."""

import pickle
from dataclasses import dataclass, replace

import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.memory.step import full_step, linear, memory_of, slow_step, velocities
from limitlab.theory.methods import remember

PROBLEM = ll.LeastSquares(ll.isotropic(100), ll.Gaussian(0.5))
SLOW = ll.slow_memory(2.0, direct=0.5)
METHODS = [
    ll.SGD(0.5, momentum=SLOW),
    ll.SGD(0.5, momentum=0.9),
    ll.SGD(0.5, momentum=0.9, nesterov=True),
    ll.SGD(0.5, average=ll.uniform(1.0)),
    ll.SGD(0.5, average=ll.exponential("1/(1 + t)"), weight_decay=0.2),
]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_step_is_linear_and_near_the_identity_but_for_a_fast_momentum(method):
    kept = memory_of(method)
    P, q = linear(slow_step(kept))
    assert not P.free_symbols & set(slow_step(kept).states)
    F, b = velocities(slow_step(kept))
    assert not (F.free_symbols | b.free_symbols) & {sp.Symbol("d", positive=True)}
    assert full_step(kept).latex()


def test_the_limit_of_a_fixed_momentum_is_the_rate_over_what_it_forgets():
    for method in METHODS[1:3]:
        F, b = velocities(slow_step(memory_of(method)))
        eta, beta = sp.Symbol("eta", positive=True), sp.Symbol("beta_m", nonnegative=True)
        assert sp.zeros(1, 1) == F
        assert sp.simplify(b[0] + eta / (1 - beta)) == 0


def test_heavy_ball_and_nesterov_are_the_usual_ones():
    """m ← βm + g and θ ← θ − (η/d)m, or θ ← θ − (η/d)(βm + g), here with (1 − β)m for m."""
    eta, beta = sp.Symbol("eta", positive=True), sp.Symbol("beta_m", nonnegative=True)
    delta, m, g = sp.symbols("delta m g", real=True)
    d = sp.Symbol("d", positive=True)
    usual = beta * m / (1 - beta) + g  # the momentum of the heavy ball after a step
    steps = {False: usual, True: beta * usual + g}
    for method in METHODS[1:3]:
        after = full_step(memory_of(method)).after
        assert sp.simplify(after[1] - (1 - beta) * usual) == 0
        assert sp.simplify(after[0] - (delta - eta / d * steps[method.nesterov])) == 0


def test_the_equations_of_a_slow_memory():
    """ρ̇ = −2ηχ − 2ηκAρ + η²κ²n and its two fellows, as Itô's formula gives them."""
    system = ll.derive(PROBLEM, METHODS[0])
    (rho, chi, s), (a, v) = system.symbols, sp.symbols("a_i v_i", nonnegative=True)
    eta, gamma, kappa = (sp.Symbol(name, positive=True) for name in ("eta", "gamma_m", "kappa_m"))
    n = v * sp.Symbol("lambda_i", positive=True) / 2
    expected = [
        -2 * eta * chi - 2 * eta * kappa * a * rho + eta**2 * kappa**2 * n,
        -eta * s - eta * kappa * a * chi + gamma * (a * rho - chi) - eta * kappa * gamma * n,
        2 * gamma * (a * chi - s) + gamma**2 * n,
    ]
    for found, form in zip(system.drift + system.source_term, expected, strict=True):
        assert sp.expand(found - form) == 0


def test_a_planted_error_reaches_the_code_and_the_latex():
    system = ll.derive(PROBLEM, METHODS[0])
    wrong = replace(system, drift=1.05 * system.drift)
    assert wrong.source != system.source and wrong.latex() != system.latex()
    gradient = replace(system.gradient, drift=1.05 * system.gradient.drift)
    assert replace(system, gradient=gradient).source != system.source


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_methods_are_values(method):
    assert pickle.loads(pickle.dumps(method)) == method
    assert eval(repr(method), {"t": ll.t, "SGD": ll.SGD, **vars(remember)}) == method


def test_what_keeps_nothing_is_not_shown():
    assert repr(ll.SGD(0.5)) == "SGD(rate=0.5, batch=1, sampling=None)"
    assert ll.SGD(0.5).bare is not None and METHODS[0].bare == ll.SGD(0.5)


@dataclass(frozen=True)
class SoftSign(ll.Method):
    width: float

    def rule(self, l):  # noqa: E741
        return l / (self.width + sp.Abs(l))


def test_a_rule_of_ones_own_has_memory_by_itself():
    method = SoftSign(0.8, 0.7, momentum=SLOW, average=ll.uniform())
    system = ll.derive(PROBLEM, method)
    assert len(system.moments) == 6 and system.explain().startswith("1. ")


@pytest.mark.parametrize(
    "make",
    [
        lambda: ll.SGD(0.5, momentum=1.0),
        lambda: ll.SGD(0.5, momentum=-0.1),
        lambda: ll.SGD(0.5, nesterov=True),
        lambda: ll.SGD(0.5, nesterov=1),
        lambda: ll.SGD(0.5, average=0.5),
        lambda: ll.SGD(0.5, weight_decay=-0.1),
        lambda: ll.slow_memory(0.0),
        lambda: ll.uniform(-1.0),
        lambda: ll.exponential(0.0),
    ],
)
def test_bad_input_is_refused(make):
    with pytest.raises(InvalidInput):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: ll.Adam(0.5, momentum=0.5),
        lambda: ll.GradientDescent(0.5, weight_decay=0.1),
        lambda: ll.SGD(0.5, momentum=SLOW, nesterov=True),
        lambda: ll.derive(PROBLEM, ll.Huber(0.5, 1.0, momentum=SLOW), limit="exact"),
        lambda: ll.effects(PROBLEM, 0.4) and ll.greedy(PROBLEM, METHODS[0], 1.0),
        lambda: ll.derive(
            ll.LinearModel(jacobian=[[1.0, 0.2], [0.1, 1.0]], residual=[1.0, 1.0]), METHODS[0]
        ),
        lambda: ll.solve(
            ll.LinearModel(jacobian=[[1.0, 0.2], [0.1, 1.0]], residual=[1.0, 1.0]),
            METHODS[3],
            10,
        ),
    ],
)
def test_what_is_not_derived_is_a_typed_refusal(make):
    with pytest.raises(NotAvailable):
        make()
