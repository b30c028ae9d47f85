"""What sympy derives for the tuners: averages, laws, fixed points, and what is refused."""

import math

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.methods import CDAT, OnEdge, Polyak
from limitlab.theory.tuners import averages as av
from limitlab.theory.tuners import ratio as ra
from limitlab.theory.tuners.letters import kappa, lam

c = ra.scale
STREAM = ll.LeastSquares(ll.isotropic(5), ll.NoNoise())
TOY = ll.SharpnessToy(2.0, 1.0, 0.01)


def said(theory, beginning):
    """The right side of the step whose text begins so."""
    return next(step.right for step in theory.steps if step.text.startswith(beginning))


def test_constant_rate():
    theory = av.averaged_constant()
    a, b, eta = av.a, av.b, av.rate
    assert said(theory, "conserved") == 0
    assert sp.simplify(theory["period"] - 2 * sp.pi / (eta * sp.sqrt(2 * a))) == 0
    assert sp.simplify(theory["modulus"] - sp.sqrt(1 + 2 * eta**2 * a)) == 0
    x_0, y_0 = sp.Symbol("x_0", positive=True), av.y_0
    star = sp.sqrt(a / b)
    squared = 2 * eta**2 * (a * sp.log(star / x_0) - a / 2 + b * x_0**2 / 2) + y_0**2
    found = theory["overshoot"].subs(av.x_0, x_0) ** 2
    assert sp.simplify(sp.expand_log(found - squared, force=True)) == 0


def test_laws_on_the_edge():
    below, exact = (av.on_edge_theory(kind)["growth"] for kind in (False, True))
    assert sp.expand(below - 4 * av.fraction * av.a) == 0  # 2(2 − ε) a with ε = 2 − 2φ
    assert sp.expand(exact - 4 * (av.a - av.b * av.x_0**2)) == 0


def test_cdat_on_the_toy():
    theory = av.cdat_theory()
    q, star, slope, scale = av.q, av.star, av.slope, av.scale
    square, pull, sharpening = lam**2 * q * star**2, slope * (1 - q), 2 * slope**2 / star**2
    expected = scale * (square + pull**2) / (square * (1 - 2 * sharpening * (1 - q) / lam**2))
    assert sp.simplify(theory["product"] - expected) == 0
    kept = theory["q_lambda"]
    assert sp.simplify(kept.subs(scale, 2)) == 1
    rng = np.random.default_rng(4)
    for _ in range(5):
        numbers = dict(zip((lam, star, slope, scale), rng.uniform(0.3, 1.9, 4), strict=True))
        at = theory["product"].subs(q, kept).subs(numbers)
        assert 0 < kept.subs(numbers) <= 1 and float(at) == pytest.approx(2, rel=1e-12)
    assert sp.simplify(said(theory, "(1 − q)") - (lam * star) ** 2 / (8 * slope**2)) == 0
    gap = sp.Symbol("2_minus_sigma", positive=True)
    assert sp.simplify(said(theory, "q λ²") - (2 - gap) * slope**2 / (gap * star**2)) == 0
    assert sp.limit(said(theory, "q = 1/2") * (2 - scale), scale, 2) == 5


@pytest.mark.parametrize("kind, offset, shift", [(CDAT, 2, 0), (Polyak, 4, 1)])
def test_ratio_maps(kind, offset, shift):
    """Both fixed points, slopes and windows as formulas."""
    theory = ra.ratio_theory(kind)
    high = offset * kappa  # 2κ and 4κ
    point = (c * (kappa + 1) - offset) / (high - c * (kappa + 1)) * kappa**shift
    assert sp.simplify(theory["r_fixed"] - point) == 0
    move = (c * (kappa + 1) - offset) * (high - c * (kappa + 1)) / (c * (kappa - 1) ** 2)
    assert sp.simplify(theory["mu"] - (1 - move * (2 - shift))) == 0
    ends = theory["c_low"] - offset / (kappa + 1), theory["c_high"] - high / (kappa + 1)
    assert [sp.simplify(end) for end in ends] == [0, 0]
    flips = {sp.simplify(theory[f"c_flip_{i}"]) for i in (1, 2)}
    assert flips == {sp.Integer(offset // 2), sp.simplify(2 * high / (kappa + 1) ** 2)}


def test_polyak_of_scale_one_is_stable_in_a_window_of_kappa():
    mu = ra.ratio_theory(Polyak)["mu"].subs(c, 1)
    numerator = sp.factor(sp.numer(sp.together(mu + 1)))
    roots = sp.solve(numerator, kappa)
    assert 3 + 2 * sp.sqrt(2) in roots  # κ² − 6κ + 1 = 0
    assert mu.subs(kappa, 3) == 1


@pytest.mark.parametrize(
    "method", [CDAT(2.0), OnEdge(0.9), ll.Armijo(0.1), ll.GradientDescent(0.9)]
)
def test_derivations_print(method):
    system = ll.derive(TOY, method)
    assert isinstance(system, ll.System)
    assert "η" in system.explain() and "\\lambda" in system.latex() and "advance" in system.source
    assert "\\begin" not in system.latex()


def test_a_derivation_is_the_same_for_other_numbers():
    first, second = (ll.derive(TOY, ll.Armijo(x, first=y)) for x, y in ((0.1, 1.0), (0.3, 0.2)))
    assert first.source == second.source


@pytest.mark.parametrize(
    "wrong, field",
    [
        (lambda: ll.SharpnessToy(2.0, 0.0, 0.01), "k"),
        (lambda: ll.SharpnessToy(-2.0, 1.0, 0.01), "start"),
        (lambda: ll.SharpnessToy(2.0, 1.0, 0.01, bulk=(-1.0,)), "bulk"),
        (lambda: ll.SharpnessToy(2.0, 1.0, 0.01, bounded=0.0), "bounded"),
        (lambda: ll.SharpnessToy(2.0, 1.0, math.nan), "alpha"),
        (lambda: ll.SharpnessToy(2.0, 1.0, 0.01, start=(1, 2, 3)), "start"),
        (lambda: ll.TwoCurvatures(1.0), "kappa"),
        (lambda: ll.TwoCurvatures(2.0, (0.0, 1.0)), "start"),
        (lambda: CDAT(0.0), "scale"),
        (lambda: CDAT(1.0, ema=1.0), "ema"),
        (lambda: CDAT(1.0, damping=-1.0), "damping"),
        (lambda: ll.Armijo(1.5), "c"),
        (lambda: ll.Armijo(0.1, increase=0.5), "increase"),
        (lambda: Polyak(-1.0), "scale"),
        (lambda: OnEdge(math.inf), "fraction"),
        (lambda: ll.derive(TOY, Polyak()), "problem"),
        (lambda: ll.derive(TOY, ll.SGD(0.1)), "method"),
        (lambda: ll.derive(TOY, CDAT(2.0, batch=4)), "batch"),
        (lambda: ll.derive(TOY, ll.GradientDescent(1 / (1 + ll.t))), "rate"),
        (lambda: ll.derive(TOY, CDAT(2.1), limit="slow"), "limit"),
        (lambda: ll.derive(TOY, CDAT(1.9), limit="averaged"), "limit"),
        (lambda: ll.derive(ll.TwoCurvatures(3.0), CDAT(1.0), limit="slow"), "limit"),
        (lambda: ll.derive(ll.TwoCurvatures(3.0), CDAT(1.0, damping=0.1)), "damping"),
        (lambda: ll.derive(ll.TwoCurvatures(3.0), Polyak(1.0, minimum=-1.0)), "minimum"),
        (lambda: ll.derive(ll.LinearModel(spectrum=[1.0]), CDAT(1.0)), "method"),
        (lambda: ll.derive(STREAM, CDAT(1.0)), "method"),
        (lambda: ll.solve(STREAM, ll.Armijo(0.1), 1), "method"),
        (lambda: ll.simulate(STREAM, OnEdge(1.0), 1), "method"),
    ],
)
def test_bad_input(wrong, field):
    with pytest.raises((InvalidInput, NotAvailable)) as caught:
        wrong()
    assert caught.value.field == field
