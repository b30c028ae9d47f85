r"""Means over the residual by quadrature, for any rule and any law.

ℓ is a normal around −ε of variance 2R (plus that of a component of the noise). The rule is resolved
once, on panels that are halved until Legendre nodes reproduce it; so is the density of the noise.
For every R the noise is summed over its panels, none narrower than √(2R), and inside the normal is
integrated on panels cut at its own width and at those of the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .panels import NODES, WEIGHTS, Array, Function, abrupt, resolve

#: how far a normal is followed, in standard deviations, and in how many panels
_REACH, _PANELS = 9.5, 8
_NEGLIGIBLE = 1e-18
#: sizes over their sum above which a derivative's mean is also taken by parts
_CANCELS = 1e4


@dataclass
class Law:
    """Label noise as a mixture of normals, or as a density on panels.

    Attributes
    ----------
    weights, means, scales : arrays
        Of a mixture; empty for a density.
    density : callable or None
    centres : tuple of float
        Kinks of the density.
    """

    weights: Array
    means: Array
    scales: Array
    density: Function | None = None
    centres: tuple[float, ...] = ()
    _edges: Array | None = None
    _kept: dict[int, tuple[Array, Array]] = field(default_factory=dict)

    def nodes(self, width: float, rule_edges: Array, kinks: Array) -> tuple[Array, Array, Array]:
        """Return weights, means and scales of normals that stand for the noise under a normal of
        the given width."""
        if self.density is None:
            return self.weights, self.means, self.scales
        octave = int(np.floor(np.log2(width)))
        if octave not in self._kept:
            self._kept[octave] = self._panels(2.0**octave, rule_edges, kinks)
        weights, means = self._kept[octave]
        return weights, means, np.zeros(means.size)

    def _panels(self, width: float, rule_edges: Array, kinks: Array) -> tuple[Array, Array]:
        assert self.density is not None
        if self._edges is None:
            self._edges = resolve([self.density], self.centres)
        steps = width * 2.0 ** np.arange(0, 61)
        places = np.concatenate([kinks, abrupt(rule_edges)])
        around = np.add.outer(-places, np.concatenate([-steps[::-1], [0.0], steps])).ravel()
        # of the edges that only resolve the rule none closer than the normal is wide
        rule = np.unique(np.round(-rule_edges / width)) * width
        near = np.searchsorted(self._edges, rule)
        left = self._edges[np.maximum(near - 1, 0)]
        right = self._edges[np.minimum(near, self._edges.size - 1)]
        apart = np.minimum(np.abs(rule - left), np.abs(right - rule))
        edges = np.unique(np.concatenate([self._edges, around, rule[apart > 0.5 * width]]))
        half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
        places = (middle[:, None] + half[:, None] * NODES).ravel()
        with np.errstate(all="ignore"):
            mass = np.nan_to_num(self.density(places)) * (half[:, None] * WEIGHTS).ravel()
        far = np.abs(places) * (np.abs(places) > 1.0) + 1.0
        kept_nodes = mass * far**4 > _NEGLIGIBLE * mass.max()
        return mass[kept_nodes], places[kept_nodes]


@dataclass
class Rule:
    """Functions of the residual on pieces, and their jumps.

    Attributes
    ----------
    kinks : (n,) array
    pieces : list of n + 1 lists
        On each piece the functions whose means are wanted.
    jumps : list of lists
        For each function (position, order, height): height times the derivative of that order of
        the density of ℓ there, with its sign.
    orders, bases : lists
        Which derivative each function is, and of what, by pieces.
    """

    kinks: Array
    pieces: list[list[Function]]
    jumps: list[list[tuple[float, int, float]]]
    orders: list[int]
    bases: list[list[Function]]
    edges: Array = field(init=False)
    #: of how many panels to the left of each edge some function is not zero
    _counted: NDArray[np.int_] = field(init=False)

    def __post_init__(self) -> None:
        count = len(self.jumps)
        whole = [lambda x, k=k: self.at(x, k) for k in range(count)]
        self.edges = resolve(whole, tuple(self.kinks) or (0.0,))
        middle, half = 0.5 * (self.edges[1:] + self.edges[:-1]), 0.5 * np.diff(self.edges)
        x = middle[:, None] + half[:, None] * NODES
        with np.errstate(all="ignore"):
            nonzero = [
                self.at(x, k, None, base) != 0 for k in range(count) for base in (False, True)
            ]
        self._counted = np.append(0, np.cumsum(np.any(nonzero, axis=(0, 2))))

    def meets(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Return whether something of the rule, or a kink, is between two places."""
        last = self.edges.size - 1
        left = np.clip(np.searchsorted(self.edges, low) - 1, 0, last)
        right = np.clip(np.searchsorted(self.edges, high), 0, last)
        kinks = np.searchsorted(self.kinks, high) > np.searchsorted(self.kinks, low)
        found: NDArray[np.bool_] = (self._counted[right] > self._counted[left]) | kinks
        return found

    def at(
        self, x: Array, function: int, piece: NDArray[np.int_] | None = None, base: bool = False
    ) -> Array:
        """Return the values of one function, or of what it is a derivative of."""
        pieces = self.bases if base else self.pieces
        if len(pieces) == 1:
            return pieces[0][function](x)
        where = np.searchsorted(self.kinks, x) if piece is None else piece
        values = np.empty(x.shape)
        for k, functions in enumerate(pieces):
            here = where == k
            if here.any():
                values[here] = functions[function](x[here])
        return values


def means(rule: Rule, law: Law, risk: float, reach: float = _REACH) -> Array:
    """Return the mean of every function of the rule at one risk, and the size of what was added up
    (a second row): the mean is good to that times the rounding error."""
    width = np.sqrt(2.0 * risk)
    weights, centres, scales = law.nodes(width, rule.edges, rule.kinks)
    spread = np.sqrt(width**2 + scales**2)
    if centres.size > _PANELS and not scales.any() and width > 2 * np.abs(centres).max():
        return _common(rule, weights, centres, width, reach)
    met = rule.meets(-centres - reach * spread, -centres + reach * spread)
    weights, centres, spread = weights[met], centres[met], spread[met]
    cut = _cut(rule, centres, spread, reach)
    x, z, owners, lost = cut.x, cut.z, cut.owners, cut.lost
    factor = (weights[owners] * cut.half / np.sqrt(2 * np.pi))[:, None]
    mass = np.exp(-0.5 * z * z) * factor * WEIGHTS
    middle = cut.middle
    piece = np.broadcast_to(np.searchsorted(rule.kinks, middle)[:, None], x.shape)
    found = np.empty((2, len(rule.jumps)))
    for k, jumps in enumerate(rule.jumps):
        parts = [rule.at(x, k, piece) * mass]
        for position, derivative, height in jumps:
            y = (position + centres) / spread
            # p and p′ of a normal; two orders are all that the covariance asks for
            slope = 1.0 if derivative == 0 else -y / spread
            density = weights * np.exp(-0.5 * y * y) / (spread * np.sqrt(2 * np.pi))
            parts.append(height * slope * density)
        losses = [lost[owners, None]] + [lost] * len(jumps)
        found[:, k] = _sum_and_size(parts, losses)
        derived = rule.orders[k]
        if derived and found[1, k] > _CANCELS * abs(found[0, k]):
            # the same mean by parts: f times the slope of the normal, better where that is wide
            wide = spread[owners, None]
            slope = z / wide if derived == 1 else (z * z - 1) / wide**2
            other = _sum_and_size([rule.at(x, k, piece, True) * slope * mass], losses[:1])
            if other[1] * abs(found[0, k]) < found[1, k] * abs(other[0]):
                found[:, k] = other
    return found


class _Cut(NamedTuple):
    """Panels of the residual under normals: places x and z in the residual and in the normal, half
    widths in z, middles in x, whose normal each is, and for every normal how many rounding errors
    a value has."""

    x: Array
    z: Array
    half: Array
    middle: Array
    owners: NDArray[np.int_]
    lost: Array


def _cut(rule: Rule, centres: Array, spread: Array, reach: float) -> _Cut:
    """Return panels cut at the width of every normal and at the edges of the rule."""
    low, high = -centres - reach * spread, -centres + reach * spread
    first, last = np.searchsorted(rule.edges, low), np.searchsorted(rule.edges, high)
    narrowest = _narrowest(rule.edges, first, last)
    # a rule narrower than the normal is integrated at its own places, else in units of the normal:
    # what is narrow is lost in the rounding of where the other one is
    own = narrowest < spread
    unit, origin = np.where(own, 1.0, spread), np.where(own, 0.0, -centres)
    lost = 1.0 + np.abs(centres) / np.maximum(spread, narrowest)
    counts = last - first
    owner = np.repeat(np.arange(centres.size), counts)
    index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[owner]
    even = np.linspace(-reach, reach, _PANELS + 1) * np.where(own, spread, 1.0)[:, None]
    even -= np.where(own, centres, 0.0)[:, None]
    cuts = (rule.edges[index] - origin[owner]) / unit[owner]
    places = np.concatenate([even.ravel(), cuts])
    owners = np.concatenate([np.repeat(np.arange(centres.size), _PANELS + 1), owner])
    ranked = np.lexsort((places, owners))
    places, owners = places[ranked], owners[ranked]
    real = (owners[1:] == owners[:-1]) & (places[1:] > places[:-1])
    left, right, owners = places[:-1][real], places[1:][real], owners[:-1][real]
    half, middle = 0.5 * (right - left), 0.5 * (right + left)
    u = middle[:, None] + half[:, None] * NODES
    x = u * unit[owners, None] + origin[owners, None]
    z = np.where(own[owners, None], (u + centres[owners, None]) / spread[owners, None], u)
    half *= unit[owners] / spread[owners]
    return _Cut(x, z, half, middle * unit[owners] + origin[owners], owners, lost)


def _common(rule: Rule, weights: Array, centres: Array, width: float, reach: float) -> Array:
    """As `means`, on one grid for all of the noise: it is narrow against the normal."""
    end = (reach + 0.5) * width
    even = np.linspace(-end, end, 2 * _PANELS + 1)
    inside = rule.edges[np.abs(rule.edges) < end]
    edges = np.unique(np.concatenate([even, inside]))
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[1:] + edges[:-1])
    x = middle[:, None] + half[:, None] * NODES
    share = half[:, None] * WEIGHTS / (width * np.sqrt(2 * np.pi))
    piece = np.broadcast_to(np.searchsorted(rule.kinks, middle)[:, None], x.shape)
    z = (x[..., None] + centres) / width
    normal = np.exp(-0.5 * z * z) * weights
    found = np.empty((2, len(rule.jumps)))
    for k, jumps in enumerate(rule.jumps):
        parts = [rule.at(x, k, piece) * normal.sum(axis=-1) * share]
        for position, derivative, height in jumps:
            y = (position + centres) / width
            slope = 1.0 if derivative == 0 else -y / width
            density = weights * np.exp(-0.5 * y * y) / (width * np.sqrt(2 * np.pi))
            parts.append(height * slope * density)
        found[:, k] = _sum_and_size(parts, [1.0] * len(parts))
        derived = rule.orders[k]
        if derived and found[1, k] > _CANCELS * abs(found[0, k]):
            slope = z / width if derived == 1 else (z * z - 1) / width**2
            base = rule.at(x, k, piece, True) * share
            # over a law the slopes of its normals may cancel one another
            both = (slope * normal).sum(axis=-1), (np.abs(slope) * normal).sum(axis=-1)
            other = float((base * both[0]).sum()), float((np.abs(base) * both[1]).sum())
            if other[1] * abs(found[0, k]) < found[1, k] * abs(other[0]):
                found[:, k] = other
    return found


def _narrowest(edges: Array, first: NDArray[np.int_], last: NDArray[np.int_]) -> Array:
    """Return the width of the narrowest panel of the rule that each normal meets."""
    widths = np.append(np.diff(edges), np.inf)
    start = np.clip(first - 1, 0, widths.size - 1)
    bounds = np.stack([start, np.clip(last, start + 1, widths.size - 1)], axis=-1)
    return np.minimum.reduceat(widths, bounds.ravel())[::2]


def _sum_and_size(parts: list[Array], losses: list[Any]) -> tuple[float, float]:
    """Return the sum of all numbers, and that of their sizes, each times how many rounding errors
    it has."""
    size = sum(float((np.abs(p) * lost).sum()) for p, lost in zip(parts, losses, strict=True))
    return sum(float(p.sum()) for p in parts), size
