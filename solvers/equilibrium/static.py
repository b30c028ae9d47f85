r"""The static limit of an equilibrium network, its spectral edge, and where it ends.

The equations are those of :mod:`limitlab.theory.equilibrium.site`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.activations import Linear
from ...theory.core.errors import InvalidType, NoLimit, NotAvailable, SolveFailed
from ...theory.equilibrium.problem import EquilibriumNetwork
from ...theory.equilibrium.transforms import exists, linear_theory
from .site import Site, functions_of

Array = NDArray[np.float64]

#: change of q and χ at which the iteration ends, and how long it may take
_END, _MOST = 1e-13, 4000
#: what is left after Newton's method
_LEFT = 1e-11


@dataclass(frozen=True)
class Equilibrium:
    """The static limit of a random equilibrium network.

    Attributes
    ----------
    q : float
        |z|²/N.
    chi : float
        tr (1 − DW)⁻¹D/N, D = diag φ′: what a site answers to a probe field.
    feedback, variance : float
        a and v of the effective site.
    second : float
        A = E (φ′/(1 − aφ′))².
    response : float
        Size of backward gradients, A/(1 − R′A).
    margin : float
        1 − R′A: 0 at the critical scale.
    edge : float or None
        Largest modulus of the spectrum of DW: the error is multiplied by it in a step. None where
        it is not derived.
    """

    q: float
    chi: float
    feedback: float
    variance: float
    second: float
    response: float
    margin: float
    edge: float | None


def equilibrium(problem: EquilibriumNetwork) -> Equilibrium:
    """Return the static limit of a random equilibrium network.

    Parameters
    ----------
    problem : EquilibriumNetwork

    Raises
    ------
    NoLimit
        σ at or beyond the critical scale, with that scale.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.equilibrium(ll.EquilibriumNetwork("ginibre", 0.9)).q, 6)
    0.347665
    >>> found = ll.equilibrium(ll.EquilibriumNetwork("goe", 0.6))
    >>> round(found.q, 6), round(found.chi, 6), round(found.edge, 6)
    (0.399068, 0.762024, 0.834839)
    """
    _check(problem)
    found = _static(problem, problem.scale)
    if found is None:
        end = critical_scale(problem)
        raise NoLimit("scale", problem.scale, f"the static limit ends at σ = {end:.6g}")
    return found


def _check(problem: Any) -> None:
    if not isinstance(problem, EquilibriumNetwork):
        raise InvalidType("problem", problem, "give an EquilibriumNetwork")


def site_of(problem: Any, scale: float, functions: Any = None) -> Site:
    """The site at a scale."""
    return Site(problem, functions or functions_of(problem), scale)


def _static(problem: Any, scale: float, start: Equilibrium | None = None) -> Equilibrium | None:
    """The static limit at a scale; None where it is beyond its end."""
    site = site_of(problem, scale)
    q, chi = (problem.input_scale**2, 1.0) if start is None else (start.q, start.chi)
    try:
        q, chi = _iterated(site, q, chi)
        found = _told(site, q, chi)
    except (NoLimit, OverflowError, FloatingPointError, SolveFailed):
        return None
    return found if np.isfinite(found.q) and found.margin > 0 else None


def _iterated(site: Site, q: float, chi: float) -> tuple[float, float]:
    """Damped iteration, and Newton's method once it is near; both end at the same point."""
    from scipy.optimize import root

    homogeneous = site.activation.homogeneous

    def gap(point: Array) -> Array:
        v = site.variance(point[0], point[1])
        if homogeneous:  # z² is proportional to v, so that q follows from χ at once
            share, answer, _ = site.means(1.0, point[1])
            fed = 1 - share * site.coefficient(point[1])
            if fed <= 0:
                raise OverflowError
            return np.array(
                [share * site.problem.input_scale**2 / fed - point[0], answer - point[1]]
            )
        length, answer, _ = site.means(v, point[1])
        return np.array([length - point[0], answer - point[1]])

    for count in range(_MOST):
        change = gap(np.array([q, chi]))
        q, chi = q + change[0] / (1 if homogeneous else 2), chi + change[1] / 2
        if not q < 1e12:
            raise OverflowError
        size = float(np.abs(change).sum())
        if size < _END * (1 + q):
            return q, chi
        if count % 40 == 39 and size < 1e-3:
            polished = root(gap, [q, chi], tol=1e-15)
            near = float(np.abs(polished.x - [q, chi]).sum()) < 0.2 * (q + chi)
            if near and float(np.abs(gap(polished.x)).sum()) < _LEFT * (1 + q):
                point = polished.x
                if _margin(site, point) > 0:
                    return float(point[0]), float(point[1])
    raise SolveFailed("the static iteration does not settle", float(_MOST), 0.5, q)


def _margin(site: Site, point: Array) -> float:
    _, _, second = site.means(site.variance(point[0], point[1]), point[1])
    return 1 - site.coefficient(point[1]) * second


def _told(site: Site, q: float, chi: float) -> Equilibrium:
    v, a = site.variance(q, chi), site.feedback(chi)
    _, _, second = site.means(v, chi)
    margin = 1 - site.coefficient(chi) * second
    response = float(site.functions["response"](A=second, chi=chi, **site.numbers))
    return Equilibrium(q, chi, a, v, second, response, margin, _edge(site, v, a, second))


def _edge(site: Site, v: float, a: float, second: float) -> float | None:
    """λ₊; of a matrix without symmetry the spectral radius σ√E φ′²."""
    kind = site.problem.kind
    if kind in ("ginibre", "haar"):
        return float(site.scale * np.sqrt(second))
    if "edge" not in site.functions or site.scale == 0:
        return 0.0 if site.scale == 0 else None
    from scipy.optimize import minimize_scalar

    weights, _, slopes = site.solved(v, a)
    top = float(slopes.max())

    def square(log: float) -> float:
        u = top + np.exp(log)
        return float(weights @ site.functions["edge"](s=slopes, u=u, sigma=site.scale))

    grid = np.linspace(np.log(1e-6 * top), np.log(100 * top), 60)
    values = [square(each) for each in grid]
    place = int(np.clip(np.argmin(values), 1, grid.size - 2))
    best = minimize_scalar(
        square,
        bounds=(grid[place - 1], grid[place + 1]),
        method="bounded",
        options={"xatol": 1e-11},
    )
    return float(np.sqrt(min(best.fun, *values)))


@lru_cache(maxsize=256)
def _critical(problem: EquilibriumNetwork) -> float:
    """March upwards from the stable side; then solve for the critical point itself."""
    if problem.kind == "elliptic" and problem.tau == -1 and isinstance(problem.activation, Linear):
        return float("inf")
    if problem.kind == "symmetric-orthogonal" and site_of(problem, 0.0).activation.homogeneous:
        return 1.0  # a reaches 1 there, and χ diverges
    scale, step, found = 0.0, 0.05, _static(problem, 0.0)
    assert found is not None
    while step > 1e-3:
        following = _static(problem, scale + step, found)
        if following is None:
            step /= 4
        else:
            scale, found = scale + step, following
        if scale > 50:
            return float("inf")
    return _polished(problem, scale, found)


def _polished(problem: Any, scale: float, near: Equilibrium) -> float:
    """R′A = 1 beside the static equations: regular, where q(σ) has a fold."""
    from scipy.optimize import root

    homogeneous = site_of(problem, scale).activation.homogeneous

    def gap(point: Array) -> list[float]:
        sigma, chi = float(point[0]), float(point[1])
        site = site_of(problem, sigma)
        v = near.variance if homogeneous else float(np.exp(point[2]))
        length, answer, second = site.means(v, chi)
        left = [answer - chi, site.coefficient(chi) * second - 1]
        # φ(ch) = cφ(h): q diverges there, and v is free
        return left if homogeneous else [*left, site.variance(length, chi) / v - 1]

    start = [scale, near.chi] if homogeneous else [scale, near.chi, np.log(near.variance)]
    try:
        found = root(gap, start, tol=1e-14)
    except NoLimit:
        remedy = f"a site has several states from σ = {scale:.4g} on"
        raise NoLimit("activation", problem.activation, remedy) from None
    if np.abs(found.fun).max() > 1e-10 or not scale <= found.x[0] < scale + 0.2:
        raise SolveFailed(
            "the critical point is not found beside the last step", scale, 0.0, near.q
        )
    return float(found.x[0])


def critical_scale(problem: EquilibriumNetwork) -> float:
    """Return σ_c at which the static limit ends, R′(χ) A = 1.

    It is marched to from the stable side: beyond it the formula of the edge is below 1 again on a
    branch that means nothing. That a direct iteration diverges at σ_c is not proved.

    Parameters
    ----------
    problem : EquilibriumNetwork
        Its own scale does not matter.

    Raises
    ------
    NoLimit
        Where a site has several states before the end is reached.

    Examples
    --------
    >>> import limitlab as ll
    >>> from math import sqrt
    >>> found = ll.critical_scale(ll.EquilibriumNetwork("goe", 0.1, "relu"))
    >>> abs(found - 1 / sqrt(2)) < 1e-9
    True
    """
    _check(problem)
    from dataclasses import replace

    return _critical(replace(problem, scale=0.0, size=400))


@dataclass(frozen=True)
class LinearMoments:
    """What is known of M = (1 − W)⁻¹.

    Attributes
    ----------
    first : float
        tr M/N.
    second, fourth : float or None
        m₂ = tr MMᵀ/N, the mean of |z|²/(N σ_x²); m₄ = tr (MMᵀ)²/N.
    least : float or None
        The least singular value of 1 − W.
    variance : float or None
        N Var(|z|²/(N σ_x²)) at fixed |x|² = N σ_x²: 2(m₄ − m₂²).
    """

    first: float
    second: float
    fourth: float | None
    least: float | None
    variance: float | None


def linear_moments(problem: EquilibriumNetwork) -> LinearMoments:
    """Return the moments of a linear equilibrium network from the resolvent of its ensemble.

    Parameters
    ----------
    problem : EquilibriumNetwork
        With activation="linear".

    Raises
    ------
    NoLimit
        σ at or beyond the end of the solution, with that end.
    NotAvailable
        Another activation.

    Examples
    --------
    >>> import limitlab as ll
    >>> one = ll.linear_moments(ll.EquilibriumNetwork("ginibre", 0.6, "linear"))
    >>> two = ll.linear_moments(ll.EquilibriumNetwork("haar", 0.6, "linear"))
    >>> one.second, round(one.fourth, 5), round(two.fourth, 5), round(one.least, 5)
    (1.5625, 5.96046, 5.18799, 0.2663)
    """
    _check(problem)
    if not isinstance(problem.activation, Linear):
        raise NotAvailable("activation", problem.activation, 'give activation="linear"')
    exists(problem.kind, problem.scale, problem.tau)
    f = linear_theory(problem.kind).functions
    # at σ = 0 the forms are 0/0
    numbers = {"sigma": max(problem.scale, 1e-4), "tau": problem.tau}
    found = {name: float(function(**numbers)) for name, function in f.items()}
    if problem.scale == 0:
        found = {name: 0.0 if name == "variance" else 1.0 for name in found}
    return LinearMoments(
        found["m_1"], found["m_2"], found.get("m_4"), found.get("s_min"), found.get("variance")
    )
