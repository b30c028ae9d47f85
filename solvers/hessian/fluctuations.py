r"""The band of one run of SGD on one unit, and the error of the mean, to first order in 1/b.

.. math:: P_{t+1}=J_tP_tJ_t^\top+C_t,\qquad m_{t+1}=J_tm_t+\tfrac12\operatorname{tr}(H_tP_t)+r_t,

with slopes J and curvature H of the map at :math:`(Q_t,R_t)`, and C and r of
:mod:`limitlab.theory.hessian.fluctuations`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...theory.core.errors import NotAvailable
from ...theory.core.map import Map
from ...theory.hessian.fluctuations import NAMES, scatter
from ...theory.hessian.problem import SingleIndex
from ...theory.methods.sgd import SGD
from ..stepping.orbit import orbit
from .nodes import normal_nodes
from .numbers import CEILING, numbers_of
from .pairs import pair_nodes

Array = NDArray[np.float64]

#: of which there is a spread
QUANTITIES = ("norm", "overlap", "loss")
#: length of a difference over |w|² less its aligned part
_SHORT = 1e-3


def check_band(method: Any) -> None:
    """Refuse what is not SGD."""
    if not isinstance(method, SGD):
        remedy = "the scatter of a step is derived for SGD(rate, batch=b)"
        raise NotAvailable("method", method, remedy)


def scattered(
    problem: SingleIndex, method: Any, system: Map, steps: NDArray[np.int64]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Standard deviations of one run at the steps, and relative errors of the mean.

    Raises
    ------
    NotAvailable
        A band of a run that is lost.
    """
    walk = _Walk(problem, method, system)
    spread = {name: np.zeros(steps.size) for name in QUANTITIES}
    errors = {f"finite_size_{name}": np.zeros(steps.size) for name in QUANTITIES}
    covariance, shift, point = np.zeros((2, 2)), np.zeros(2), np.array(problem.order)
    place = 0
    for t in range(int(steps[-1]) + 1):
        if t == steps[place]:
            for name, value in walk.told(point, covariance, shift).items():
                spread[name][place], errors[f"finite_size_{name}"][place] = value
            place += 1
        if place < steps.size:
            point, covariance, shift = walk.step(point, covariance, shift)
    errors["finite_size"] = errors["finite_size_loss"]
    return spread, errors


class _Walk:
    """The map and its scatter at one point after the other."""

    def __init__(self, problem: SingleIndex, method: Any, system: Map) -> None:
        self.problem, self.method, self.system = problem, method, system
        self.numbers = numbers_of(problem, method)
        self.inputs = normal_nodes(problem.activation) if system.inputs else ()
        self.functions = scatter().functions

    def observed(self, point: Array, steps: int) -> dict[str, float]:
        """What is recorded some steps later."""
        found = orbit(
            self.system,
            tuple(point.tolist()),
            self.numbers,
            np.array([steps], np.int64),
            ceiling=CEILING,
            inputs=self.inputs,
        )
        if found.lost is not None:
            raise NotAvailable("limit", "fluctuations", "the run is lost; lower the rate")
        return {name: float(values[0]) for name, values in found.values.items()}

    def step(self, point: Array, P: Array, shift: Array) -> tuple[Array, Array, Array]:
        """Mean, covariance and error of the mean after one step."""

        def after(x: Array) -> Array:
            found = self.observed(x, 1)
            return np.array([found["norm"], found["overlap"]])

        here, slopes, curvature = _differences(after, point, self._short(point))
        C, drift = self._scatter(point)
        bent = np.einsum("kij,ij->k", curvature, P) / 2
        return here, slopes @ P @ slopes.T + C, slopes @ shift + bent + [drift, 0.0]

    def told(self, point: Array, P: Array, shift: Array) -> dict[str, tuple[float, float]]:
        """Standard deviation and relative error of the mean, by name."""

        def seen(x: Array) -> Array:
            found = self.observed(x, 0)
            return np.array([found[name] for name in QUANTITIES])

        here, slopes, curvature = _differences(seen, point, self._short(point))
        spread = np.sqrt(np.maximum(np.einsum("ki,ij,kj->k", slopes, P, slopes), 0.0))
        error = slopes @ shift + np.einsum("kij,ij->k", curvature, P) / 2
        relative = np.abs(error) / np.maximum(np.abs(here), 1e-300)
        pairs = zip(spread.tolist(), relative.tolist(), strict=True)
        return dict(zip(QUANTITIES, pairs, strict=True))

    def _short(self, point: Array) -> float:
        """A difference that stays where R² < QT."""
        Q, R = point
        return _SHORT * max(float(Q - R**2 / self.problem.teacher), 1e-8)

    def _scatter(self, point: Array) -> tuple[Array, float]:
        """C and r of a step."""
        Q, R = point.tolist()
        a, e, weights = pair_nodes(Q, R, self.problem.teacher)
        value, slope = _unit(self.problem.activation)
        X = (value(a) - value(e)) * slope(a)
        parts = np.stack([X * a, X * e, X**2])
        means = np.einsum("kij,ij->k", parts, weights)
        rest = parts - means[:, None, None]
        S = np.einsum("kij,lij,ij->kl", rest, rest, weights)
        c = np.linalg.lstsq(np.array([[Q, R], [R, self.problem.teacher]]), means[:2], rcond=1e-13)
        places = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        known = {name: S[at] for name, at in zip(NAMES, places, strict=True)}
        known |= {"Q": Q, "R": R, "T": self.problem.teacher, "V": float(means[2])}
        known |= {"eta": float(self.method.rate), "b": float(self.method.batch)}
        known |= {"delta": self.problem.dimension / self.method.batch}
        known |= {"c_1": float(c[0][0]), "c_2": float(c[0][1])}
        f = {name: float(function(**known)) for name, function in self.functions.items()}
        return np.array([[f["QQ"], f["QR"]], [f["QR"], f["RR"]]]), f["drift"]


def _differences(function: Any, at: Array, h: float) -> tuple[Array, Array, Array]:
    """Value, slopes (k, 2) and curvature (k, 2, 2), each by central differences."""
    one, two = np.array([h, 0.0]), np.array([0.0, h])
    here = function(at)
    ends = [[function(at + sign * e) for sign in (1, -1)] for e in (one, two)]
    slopes = np.stack([(up - down) / (2 * h) for up, down in ends], axis=1)
    curvature = np.zeros((here.size, 2, 2))
    for i, (up, down) in enumerate(ends):
        curvature[:, i, i] = (up - 2 * here + down) / h**2
    corners = [
        sign * other * function(at + sign * one + other * two)
        for sign in (1, -1)
        for other in (1, -1)
    ]
    curvature[:, 0, 1] = curvature[:, 1, 0] = sum(corners) / (4 * h**2)
    return here, slopes, curvature


@cache
def _unit(activation: Any) -> tuple[Any, Any]:
    """φ and φ′ on arrays."""
    form = activation.form.subs(activation.symbols)
    (x,) = form.free_symbols
    value, slope = (sp.lambdify(x, each, ["scipy", "numpy"]) for each in (form, sp.diff(form, x)))
    return value, slope
