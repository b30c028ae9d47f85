r"""A network near one parameter vector: the products :math:`Jv` and :math:`J^\top u`.

:math:`z\in\mathbb R^{DC}` are the residuals of D examples with C outputs each, the outputs of an
example consecutive; :math:`J=\partial z/\partial\theta`. The loss is :math:`|z|^2/(2D)`, summed
over outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count, positive
from ...theory.core.errors import InvalidInput, InvalidType
from ...theory.linear.problem import LinearModel

Array = NDArray[np.float64]

#: |u·Jv − Jᵀu·v| beyond this share of |u||Jv| is no rounding, in single precision neither
_ROUNDING = 1e-5


@dataclass(frozen=True, eq=False)
class Linearisation:
    """The Jacobian of any network, as two callables.

    Parameters
    ----------
    jvp : callable
        v ↦ Jv, from (parameters,) to the D C residuals.
    vjp : callable
        u ↦ Jᵀu, back.
    data, outputs, parameters : int
        D, C and P.
    example : callable, optional
        k ↦ the rows of J of one example, (C, P), where that is cheaper than C products.

    Raises
    ------
    InvalidInput
        Products of the wrong size or with NaN, or that are not adjoint to each other; an `example`
        whose rows are not those of `jvp`.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> J = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]])
    >>> ll.Linearisation(lambda v: J @ v, lambda u: J.T @ u, data=2, parameters=3).size
    2
    """

    jvp: Callable[[Array], Array]
    vjp: Callable[[Array], Array]
    data: int
    parameters: int
    outputs: int = 1
    example: Callable[[int], Array] | None = None

    def __post_init__(self) -> None:
        for field in ("data", "parameters", "outputs"):
            count(field, getattr(self, field))
        for field in ("jvp", "vjp") if self.example is None else ("jvp", "vjp", "example"):
            if not callable(getattr(self, field)):
                raise InvalidType(field, getattr(self, field), "give a function")
        rng = np.random.default_rng(0)
        v = rng.standard_normal(self.parameters)
        image = self.push(v)
        for u in (image, rng.standard_normal(self.size)):  # the first sees a wrong factor best
            gap = abs(float(u @ image - self.pull(u) @ v))
            scale = float(np.linalg.norm(u) * np.linalg.norm(image))
            if gap > _ROUNDING * scale:
                share = gap / scale if scale else math.inf
                remedy = f"u·Jv and Jᵀu·v differ by {share:.2g} of |u||Jv|; jvp and vjp must"
                raise InvalidInput("vjp", self.vjp, f"{remedy} belong to one Jacobian")
        if self.example is not None:
            self._check_example(int(rng.integers(self.data)), v, image)

    def _check_example(self, k: int, v: Array, image: Array) -> None:
        """Refuse rows of one example that do not give its part of Jv."""
        rows = self.rows(k)
        gap = np.linalg.norm(rows @ v - image.reshape(-1, self.outputs)[k])
        if gap > _ROUNDING * np.linalg.norm(rows) * np.linalg.norm(v):
            remedy = f"the rows of example {k} are not those of jvp; give its part of the Jacobian"
            raise InvalidInput("example", self.example, remedy)

    @property
    def size(self) -> int:
        """D C."""
        return self.data * self.outputs

    def push(self, v: Array) -> Array:
        """Jv, checked."""
        return _checked("jvp", self.jvp(v), self.size)

    def pull(self, u: Array) -> Array:
        """Jᵀu, checked."""
        return _checked("vjp", self.vjp(u), self.parameters)

    def rows(self, example: int) -> Array:
        """J of one example, (C, P)."""
        if self.example is not None:
            shape = (self.outputs, self.parameters)
            return _checked("example", self.example(example), shape[0] * shape[1]).reshape(shape)
        units = np.eye(self.size)[example * self.outputs : (example + 1) * self.outputs]
        return np.array([self.pull(unit) for unit in units])

    def linear_model(self, residual: Array | None = None) -> LinearModel:
        """The linear model with this Jacobian: D C products, for all that is exact.

        Parameters
        ----------
        residual : (D C,) array, optional
            z at these parameters.
        """
        jacobian = np.vstack([self.rows(k) for k in range(self.data)])
        return LinearModel(jacobian=jacobian, residual=residual, outputs=self.outputs)


def rate_from_library(rate: float, outputs: int = 1) -> float:
    """Return η for a rate of the mean-square loss |z|²/(D C) of the usual libraries: 2 rate/C.

    Raises
    ------
    InvalidInput, InvalidType
        A rate that is not positive; a number of outputs below 1.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.rate_from_library(0.5, outputs=10)
    0.1
    """
    return 2 * positive("rate", rate) / count("outputs", outputs)


def _checked(field: str, values: Array, size: int) -> Array:
    try:
        given = np.asarray(values)
        found = given.real.astype(float).reshape(-1)
    except (TypeError, ValueError):
        raise InvalidType(field, values, "returned no numbers; it must return an array") from None
    if np.iscomplexobj(given):
        raise InvalidType(field, values, "returned complex numbers; it must return real ones")
    if found.size != size:
        raise InvalidInput(field, found.size, f"returned so many numbers; it must return {size}")
    if not np.all(np.isfinite(found)):
        raise InvalidInput(field, values, "returned NaN or infinity; check the parameters")
    return found
