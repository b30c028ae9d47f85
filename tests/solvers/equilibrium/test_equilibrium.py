"""Static limits, ends and transients against closed forms, and what is refused."""

import numpy as np
import pytest
from scipy.stats import norm

import limitlab as ll

NAIVE = ll.FixedPointIteration()


def net(*args, **options):
    return ll.EquilibriumNetwork(*args, **options)


def test_sanity_values():
    """The values printed in the specification, to their digits."""
    one, two = (ll.linear_moments(net(e, 0.6, "linear")) for e in ("ginibre", "haar"))
    assert one.second == pytest.approx(1.5625) and two.second == pytest.approx(1.5625)
    assert one.fourth == pytest.approx(5.96046, abs=5e-6)
    assert two.fourth == pytest.approx(5.18799, abs=5e-6)
    assert one.least == pytest.approx(0.26629, abs=1e-5) and two.least == pytest.approx(0.4)
    assert ll.equilibrium(net("ginibre", 0.9)).q == pytest.approx(0.347665, abs=5e-7)
    goe = ll.equilibrium(net("goe", 0.6))
    assert goe.q == pytest.approx(0.399068, abs=5e-7)
    assert goe.chi == pytest.approx(0.762024, abs=5e-7)
    assert goe.edge == pytest.approx(0.834839, abs=5e-7)
    assert ll.equilibrium(net("goe", 0.55, "relu")).q == pytest.approx(0.478754, abs=5e-7)


@pytest.mark.parametrize("scale", [0.0, 0.2, 0.45, 0.68])
def test_relu_has_its_closed_forms(scale):
    goe = ll.equilibrium(net("goe", scale, "relu"))
    a = (1 - np.sqrt(1 - 2 * scale**2)) / 2
    assert goe.feedback == pytest.approx(a, abs=1e-11)
    assert goe.q == pytest.approx(0.245 / ((1 - a) ** 2 - scale**2 / 2), rel=1e-9)
    assert goe.edge == pytest.approx(scale * np.sqrt(2), abs=1e-6)
    for kind in ("ginibre", "haar"):
        found = ll.equilibrium(net(kind, scale, "relu"))
        assert found.q == pytest.approx(0.245 / (1 - scale**2 / 2), rel=1e-9)
        assert found.edge == pytest.approx(scale / np.sqrt(2), abs=1e-12)


@pytest.mark.parametrize("kind", ["ginibre", "goe", "symmetric-orthogonal", ("elliptic", -0.5)])
def test_a_linear_site_is_the_resolvent(kind):
    scale = 0.4
    found, exact = (
        ll.equilibrium(net(kind, scale, "linear")),
        ll.linear_moments(net(kind, scale, "linear")),
    )
    assert found.q == pytest.approx(0.49 * exact.second, rel=1e-9)
    assert found.chi == pytest.approx(exact.first, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "activation", "end"),
    [
        ("ginibre", "linear", 1),
        ("goe", "linear", 0.5),
        ("symmetric-orthogonal", "linear", 1),
        (("elliptic", -0.5), "linear", 2),
        ("ginibre", "relu", np.sqrt(2)),
        ("goe", "relu", np.sqrt(0.5)),
    ],
)
def test_ends_of_closed_cases(kind, activation, end):
    assert ll.critical_scale(net(kind, 0.1, activation)) == pytest.approx(end, abs=1e-9)


@pytest.mark.slow
def test_hard_tanh_ends_where_half_feeds_back():
    found = ll.critical_scale(net("goe", 0.1, "hard-tanh"))
    near = ll.equilibrium(net("goe", found * (1 - 1e-9), "hard-tanh"))
    # a − ½ closes like the root of the distance to the end
    assert near.feedback == pytest.approx(0.5, abs=1e-3)
    inside = 2 * norm.cdf(0.5 / np.sqrt(near.variance)) - 1
    assert found**2 * inside == pytest.approx(0.25, abs=1e-3)
    plain = ll.critical_scale(net("haar", 0.1, "hard-tanh"))
    at = ll.equilibrium(net("haar", plain * (1 - 1e-9), "hard-tanh"))
    share = 2 * norm.cdf(1 / np.sqrt(at.variance)) - 1
    assert plain**2 * share == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
def test_the_edge_never_passes_one():
    end = ll.critical_scale(net("goe", 0.1))
    edges = [ll.equilibrium(net("goe", share * end)).edge for share in (0.5, 0.9, 0.99, 0.9999)]
    assert np.all(np.diff(edges) > 0) and edges[-1] < 1
    # quadratic at the end: λ₊ − 1 is second order in the margin
    assert edges[-1] > 0.99


def test_transients_tend_to_the_static_limit():
    for activation in ("tanh", "relu", "hard-tanh", "linear"):
        problem = net("ginibre", 0.8, activation)
        curve = ll.solve(problem, NAIVE, 120, points=121)
        static = ll.equilibrium(problem)
        assert curve.q[-1] == pytest.approx(static.q, rel=1e-8)
        # the squared residual shrinks by σ² E φ′² a step
        ratio = curve.loss[30] / curve.loss[29]
        assert ratio == pytest.approx(static.edge**2, rel=1e-3)


def test_linear_transients_are_a_geometric_series():
    curve = ll.solve(net("haar", 0.8, "linear"), NAIVE, 10, points=11)
    t = np.arange(11)
    np.testing.assert_allclose(curve.q, 0.49 * (1 - 0.64**t) / 0.36, rtol=1e-10)
    np.testing.assert_allclose(curve.loss, 0.245 * 0.64**t, rtol=1e-9)


def test_paths_agree_with_the_map_where_both_exist():
    problem = net(("elliptic", 0.0), 0.8)
    exact = ll.solve(net("ginibre", 0.8), NAIVE, 5, points=6)
    problem = net(("elliptic", 1e-12), 0.8)  # feedback that is nothing: the road of paths
    found = ll.solve(problem, NAIVE, 5, points=6, paths=40_000, seed=1)
    z = (found.q - exact.q)[1:] / found.diagnostics["q_error"][1:]
    assert np.abs(z).max() < 4
    other = ll.solve(net("ginibre", 0.85), NAIVE, 5, points=6)
    assert np.abs((found.q - other.q)[1:] / found.diagnostics["q_error"][1:]).max() > 4


def test_answers_of_paths_tend_to_the_static_one():
    problem = net("goe", 0.4)
    curve = ll.solve(problem, NAIVE, 9, points=4, paths=40_000, seed=2)
    assert curve.provenance["answer"] == pytest.approx(ll.equilibrium(problem).chi, rel=0.01)
    damped = ll.solve(problem, ll.FixedPointIteration(0.5), 9, points=4, paths=20_000, seed=2)
    assert damped.loss[-1] > curve.loss[-1]


def test_beyond_the_end_is_refused_with_the_end():
    with pytest.raises(ll.NoLimit, match="0.955471"):
        ll.equilibrium(net("goe", 1.2))
    with pytest.raises(ll.NoLimit, match=r"0\.5"):
        ll.linear_moments(net("goe", 0.5, "linear"))
    with pytest.raises(ll.NotAvailable, match="activation"):
        ll.linear_moments(net("goe", 0.4))


def test_what_is_not_derived_is_refused():
    with pytest.raises(ll.NotAvailable, match="not derived"):
        ll.solve(net("symmetric-orthogonal", 0.4), NAIVE, 3)
    with pytest.raises(ll.NotAvailable, match="end earlier"):
        ll.solve(net("goe", 0.4), NAIVE, 300, paths=10**6)
    with pytest.warns(ll.ValidityWarning, match="paths"):
        ll.solve(net("goe", 0.4), NAIVE, 3, paths=100, seed=1)
    with pytest.raises(ll.InvalidType, match="problem"):
        ll.equilibrium(3)


def test_relu_near_its_end_is_the_arc_cosine_map():
    """200 steps in 60 digits by E φ(h)φ(h') of a ReLU in closed form; before a kink was resolved on
    the scale of a step the last losses were 6 % off."""
    import mpmath as mp

    def kernel(v, c, w):
        s = mp.sqrt(v * w - c**2)
        return (s + c * (mp.pi - mp.acos(c / mp.sqrt(v * w)))) / (2 * mp.pi)

    with mp.workdps(60):
        scale, x = mp.mpf(1.4) ** 2, mp.mpf(0.7) ** 2
        q, c, before, losses = x / 2, mp.mpf(0), x, [x / 4]
        for _ in range(200):
            v = scale * q + x
            shared = kernel(v, scale * c + x, before)
            losses.append((v / 2 + q - 2 * shared) / 2)
            q, c, before = v / 2, shared, v
        expected = np.array([float(each) for each in losses])
    found = ll.solve(net("ginibre", 1.4, "relu"), NAIVE, until=200, points=201)
    np.testing.assert_allclose(found.loss, expected, rtol=1e-6)
    other = ll.solve(net("ginibre", 1.4001, "relu"), NAIVE, until=200, points=201)
    assert np.abs(other.loss / expected - 1).max() > 1e-5


@pytest.mark.parametrize("activation", ["hard-tanh", "relu"])
def test_straight_pieces_are_integrated_in_closed_form(activation):
    """A step of the transient against a rule of many nodes, split at every kink."""
    from limitlab.solvers.equilibrium.quadrature import conditional_nodes, normal_nodes
    from limitlab.solvers.equilibrium.site import functions_of, site_of_functions
    from limitlab.solvers.equilibrium.transient import _step

    problem = net("ginibre", 1.1, activation)
    f = functions_of(problem)
    site = site_of_functions(problem, f)
    numbers = site.numbers
    q, before, r = 0.5, 0.45, 0.05
    length, change = _step(site, q, before, r, f, numbers, first=False)
    v = f["field"](q=q, chi=1.0, **numbers)
    shared = f["overlap"](q=q, q_before=before, r=r, **numbers)
    deviation = np.sqrt(f["field_step"](r=r, **numbers) - shared**2 / v)
    kinks = np.array(site.activation.kinks)
    x, w = normal_nodes(kinks / np.sqrt(v), 200)
    h = np.sqrt(v) * x
    mean = shared / v * h
    y, inner = conditional_nodes(((h - mean)[:, None] - kinks) / deviation, 40)
    there = site.phi(h[:, None] - mean[:, None] - deviation * y)
    expected = w @ np.sum(inner * (site.phi(h)[:, None] - there) ** 2, axis=1)
    assert change == pytest.approx(expected, rel=1e-9)
    assert length == pytest.approx(w @ site.phi(h) ** 2, rel=1e-12)
