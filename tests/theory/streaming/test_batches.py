"""The step of a batch: its moments by Stein's lemma in R^B, and the covariance of votes."""

from __future__ import annotations

from itertools import product

import mpmath
import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.errors import InvalidInput, NotAvailable
from limitlab.theory.core.symbols import batch_size, residual, risk
from limitlab.theory.covariance import isotropic, toeplitz
from limitlab.theory.expectation import Piece, norms
from limitlab.theory.methods import SGD, ClippedSGD, Huber, Method, SignSGD
from limitlab.theory.noise import Gaussian, Laplace
from limitlab.theory.streaming.batches import radial_field, sign_pairs, step_noise
from limitlab.theory.streaming.derive import derive as derive_streaming
from limitlab.theory.streaming.ingredients import setting
from limitlab.theory.streaming.modes import modes, sign_geometry
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.theory.streaming.votes import gain, vote_covariance, voters

B, c = batch_size, sp.Symbol("c", positive=True)
EDGE = (risk, B * c, B)
CLIP = radial_field((Piece(-sp.oo, -c, -c), Piece(-c, c, residual), Piece(c, sp.oo, c)))
SIGN = radial_field((Piece(-sp.oo, sp.S.Zero, -sp.S.One), Piece(sp.S.Zero, sp.oo, sp.S.One)))
PROBLEM = LeastSquares(isotropic(300), Laplace(0.6))


def definitions(method):
    return {str(f.func): e for f, e in derive_streaming(PROBLEM, method).definitions}


def test_clip_of_the_mean_has_the_formulas_of_the_literature():
    mu = norms.norm_within(*EDGE) + c * (B - 1) * norms.norm_inverse(*EDGE)
    assert sp.expand(CLIP.divergence(1) - mu) == 0
    assert sp.expand(CLIP.power(2) - norms.norm_capped_square(*EDGE) / B**2) == 0


def test_sign_of_the_mean_has_its_formulas():
    assert sp.expand(SIGN.divergence(1) - (B - 1) * norms.norm_mean_inverse(risk, B)) == 0
    assert SIGN.power(2) == 1


def test_pair_of_one_sample_counts_the_kinks_of_the_square():
    one = CLIP.pair().subs(B, 1)
    expected = 2 * norms.norm_within(risk, c, 1) - 2 * c * norms.norm_density(risk, c, 1)
    assert sp.expand(one - expected) == 0


@pytest.mark.parametrize("field", [CLIP, SIGN])
def test_divergences_by_differentiation_in_the_plane(field):
    """B = 2: div h and Σ ∂_a ∂_b (h_a h_b) off the kink, from F alone."""
    x, y = sp.symbols("x y", positive=True)
    S = sp.sqrt(x**2 + y**2)
    factor = field.outside.subs({sp.Symbol("S", positive=True): S, B: 2})
    h = (factor * x, factor * y)
    divergence = sp.diff(h[0], x) + sp.diff(h[1], y)
    pairs = sum(
        sp.diff(h[a] * h[b], u, v) for a, u in enumerate((x, y)) for b, v in enumerate((x, y))
    )
    scale = 1 if field is SIGN else c
    assert sp.simplify(divergence - scale / S) == 0
    assert sp.simplify(pairs) == 0  # (B − 1)(B − 2) c²/S²


def test_averages_keep_the_mean_and_divide_the_square():
    for method in (SGD(0.4, batch=5), Huber(0.4, 0.7, batch=5)):
        one = definitions(type(method)(*method_numbers(method)))
        several = definitions(method)
        assert several["mu"] == one["mu"] and sp.expand(several["N"] * B - one["N"]) == 0
    per_sample = definitions(ClippedSGD(0.4, 0.7, batch=5, clip="per-sample"))
    assert per_sample == definitions(Huber(0.4, 0.7, batch=5))


def method_numbers(method):
    return (method.rate, method.threshold) if isinstance(method, Huber) else (method.rate,)


def test_covariances_of_averaged_steps_are_divided_by_powers_of_the_batch():
    single = dict(
        zip(("mu", "N", "chi", "zeta", "M_4"), sp.symbols("mu N chi zeta M_4"), strict=True)
    )
    mu, power, chi, zeta, fourth = single.values()
    found = step_noise(setting(Gaussian(0.5), Huber(0.4, 0.7, batch=5)), single)
    assert sp.expand(found["chi"] - mu**2 - (chi - mu**2) / B) == 0
    assert sp.expand(found["zeta"] - mu * power / B - (zeta - mu * power) / B**2) == 0
    assert sp.expand(found["M_4"] - power**2 / B**2 - (fourth - power**2) / B**3) == 0


def test_one_sample_is_the_system_without_a_batch():
    single = {"mu": 1, "N": 2, "chi": 3, "zeta": 4, "M_4": 5}
    found = step_noise(setting(Gaussian(0.5), SGD(0.4)), single)
    assert found == {"chi": 3, "zeta": 4, "M_4": 5}
    plain = derive_streaming(PROBLEM, ClippedSGD(0.4, 0.7))
    assert derive_streaming(PROBLEM, ClippedSGD(0.4, 0.7, clip="mean")).source == plain.source


def test_a_linear_rule_on_the_mean_is_the_average_of_its_steps():
    clipped = ClippedSGD(0.4, float("inf"), batch=5, clip="mean")
    assert definitions(clipped) == definitions(SGD(0.4, batch=5))


def test_the_size_of_the_batch_is_a_number_and_no_formula():
    few, many = (
        derive_streaming(PROBLEM, ClippedSGD(0.4, 0.7, batch=b, clip="mean")) for b in (2, 32)
    )
    assert few.source == many.source
    assert r"\mathrm{P}\left(S \leq B c\right)" in few.latex()
    assert "E[min(S, B*c)^2]/B**2" in few.explain()


def test_majority_by_enumeration():
    """E[maj maj′] over all outcomes of B pairs of signs of covariance q, exactly."""
    size, q = 5, 0.37
    pairs = {(a, b): (1 + a * b * q) / 4 for a, b in product((-1, 1), repeat=2)}
    exact = sum(
        np.prod([pairs[pair] for pair in outcome])
        * np.sign(sum(a for a, _ in outcome))
        * np.sign(sum(b for _, b in outcome))
        for outcome in product(pairs, repeat=size)
    )
    assert vote_covariance(np.array(q), size) == pytest.approx(exact, rel=1e-13)
    assert vote_covariance(np.array(q), 3) != pytest.approx(exact, rel=1e-3)  # negative control


def test_pairs_of_votes_by_enumeration():
    """E[maj maj′] = V(q) + χ m m′ to second order: single signs of means m, m′ and E[ss′] = q."""
    size, m, q = 3, 1e-3, 0.0
    pairs = {(a, b): (1 + m * (a + b) + a * b * q) / 4 for a, b in product((-1, 1), repeat=2)}
    exact = sum(
        np.prod([pairs[pair] for pair in outcome])
        * np.sign(sum(a for a, _ in outcome))
        * np.sign(sum(b for _, b in outcome))
        for outcome in product(pairs, repeat=size)
    )
    single = sp.Symbol("m")
    given = setting(PROBLEM.noise, SignSGD(0.4, batch=size, aggregate="majority-vote"))
    chi = sign_pairs(given, sp.Rational(gain(size)) * single, sp.S.One)
    assert float(chi.subs(single, m)) == pytest.approx(exact, rel=1e-5)
    assert float(gain(size) * m) ** 2 != pytest.approx(exact, rel=0.3)  # had votes no pairs


def test_the_pairs_of_a_sign_of_the_mean_are_those_of_the_norm():
    """χ = E Σ ∂_a ∂_b ℓ_a ℓ_b/S² = (B − 1) (B − 2) E 1/S², whose pole at B = 2 is a flux."""
    chi = step_noise(setting(PROBLEM.noise, SignSGD(0.4, batch=4)), {})["chi"]
    assert sp.simplify(chi - (B - 1) * norms.norm_flux(risk, B)) == 0


def test_three_votes():
    q = np.array([-1.0, -0.4, 0.0, 0.7, 1.0])
    assert vote_covariance(q, 3) == pytest.approx((3 * q + q**3) / 4, rel=1e-14)
    assert gain(3) == sp.Rational(3, 2) and gain(1) == 1
    three = definitions(SignSGD(0.4, batch=3, aggregate="majority-vote"))
    assert sp.expand(three["mu"] - sp.Rational(3, 2) * definitions(SignSGD(0.4))["mu"]) == 0


def test_many_voters_keep_the_variance_of_a_sign():
    assert vote_covariance(np.ones(1), 101) == pytest.approx(1.0, rel=1e-10)


@pytest.mark.parametrize("size", [301, 303, 2001, 2003, 10**9 + 1])
def test_gain_and_covariance_of_any_number_of_votes(size):
    """B comb(B − 1, (B − 1)/2)/2^(B − 1), and two normals from a share 1/B on."""
    m = mpmath.mpf(size - 1) / 2
    exact = size * mpmath.gamma(m + 0.5) / mpmath.gamma(m + 1) / mpmath.sqrt(mpmath.pi)
    assert float(gain(size)) == pytest.approx(float(exact), rel=1e-11)
    q = np.array([-1.0, -0.4, 0.0, 0.7, 1.0])
    normal = 2 / np.pi * np.arcsin(q)
    assert np.max(np.abs(vote_covariance(q, size) - normal)) < 1 / size
    if size <= 2001:
        assert np.max(np.abs(vote_covariance(q, size) - normal)) > 1e-2 / size  # the control


def test_votes_change_the_sources_of_a_dense_covariance_only():
    problem = LeastSquares(toeplitz(40, 0.6), Laplace(0.6))
    vote = SignSGD(0.4, batch=5, aggregate="majority-vote")
    geometry = sign_geometry(problem.covariance, voters(vote))
    found, signs = modes(problem, vote), modes(problem, SignSGD(0.4, batch=5))
    assert np.allclose(found.rates, signs.rates) and np.allclose(found.energies, signs.energies)
    assert np.sum(found.sources / found.rates) == pytest.approx(signs.mean_rate, rel=1e-12)
    total = np.trace(problem.covariance.matrix @ geometry.sign_covariance) / 40
    assert found.sources.sum() == pytest.approx(total, rel=1e-12)
    assert found.sources.sum() != pytest.approx(signs.sources.sum(), rel=1e-3)


class Softened(Method):
    """A rule on the norm that is neither a clip nor a sign."""

    acts_on = "norm"
    pool = "mean"

    def rule(self, l):  # noqa: E741
        return l / (1 + sp.Abs(l))


def test_rules_that_are_no_clip_are_refused():
    with pytest.raises(NotAvailable, match="line up to one kink"):
        derive_streaming(PROBLEM, Softened(0.4, batch=4))


def test_a_rule_on_the_norm_says_of_what():
    class Bare(Softened):
        pool = Method.pool

    with pytest.raises(InvalidInput, match="pool"):
        derive_streaming(PROBLEM, Bare(0.4, batch=4))


class OwnClip(Method):
    """A user's clip of the norm: a line up to one kink, constant from there on."""

    acts_on = "norm"
    pool = "mean"

    def rule(self, l):  # noqa: E741
        return sp.Max(-1, sp.Min(l, 1))


@pytest.mark.slow
@pytest.mark.parametrize("pool, clip", [("mean", "mean"), ("each", "per-sample")])
def test_a_users_rule_on_the_norm_derives_as_it_is_simulated(pool, clip):
    own = type("Own", (OwnClip,), {"pool": pool})(0.4, batch=4)
    shipped = ClippedSGD(0.4, 1.0, batch=4, clip=clip)
    assert derive_streaming(PROBLEM, own).definitions
    runs = [ll.simulate(PROBLEM, m, 0.5, runs=3, seed=3).samples["risk"] for m in (own, shipped)]
    np.testing.assert_allclose(*runs, rtol=1e-12)
    other = ClippedSGD(0.4, 1.0, batch=4, clip="mean" if pool == "each" else "per-sample")
    wrong = ll.simulate(PROBLEM, other, 0.5, runs=3, seed=3).samples["risk"]
    assert np.abs(wrong / runs[0] - 1).max() > 1e-3


@pytest.mark.parametrize(
    "acts_on, pool",
    [
        ("residual", "mean"),
        ("norm", "both"),
        ("coordinate", "all"),
        ("norm", None),
    ],
)
def test_a_pool_that_the_rule_cannot_have_is_refused_by_every_verb(acts_on, pool):
    own = type("Own", (OwnClip,), {"pool": pool, "acts_on": acts_on})
    for verb in (derive_streaming, lambda *pair: ll.simulate(*pair, 0.5, runs=2)):
        with pytest.raises(InvalidInput, match="pool"):
            verb(PROBLEM, own(0.4, batch=3))


def test_a_vote_of_an_even_number_is_refused_from_a_users_class_too():
    own = type(
        "Own",
        (OwnClip,),
        {"pool": "both", "acts_on": "coordinate", "rule": lambda self, l: sp.sign(l)},
    )
    with pytest.raises(InvalidInput, match="odd"):
        derive_streaming(PROBLEM, own(0.4, batch=4))
    vote = SignSGD(0.4, batch=5, aggregate="majority-vote")
    found = modes(PROBLEM, own(0.4, batch=5))
    assert np.array_equal(found.sources, modes(PROBLEM, vote).sources)
