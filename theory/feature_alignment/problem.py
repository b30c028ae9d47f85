r"""One hidden layer of quadratic units, and a quadratic teacher.

.. math:: f(x)=\tfrac12\sum_ia_i(w_i\cdot x)^2-\tfrac12\operatorname{tr}\Theta S,\qquad
          \Theta=W^\top AW,\qquad y=\tfrac12(x^\top Bx-\operatorname{tr}BS),\qquad x\sim N(0,S)

A model of our own for the neural feature ansatz of arXiv 2402.05271.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import between, choice, count, number, positive, read_only, reals
from ..core.errors import InvalidInput, InvalidType
from ..core.problem import Problem

READOUTS = ("signs", "gaussian", "ones")
#: even moments E a², E a⁴, E a⁶, E a⁸ of the readouts
MOMENTS = {
    "signs": (1.0, 1.0, 1.0, 1.0),
    "ones": (1.0, 1.0, 1.0, 1.0),
    "gaussian": (1.0, 3.0, 15.0, 105.0),
}
#: asymmetry, relative to the largest entry, that is rounding
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class QuadraticNetwork(Problem, ByContent):
    """k quadratic units in d dimensions, trained on a quadratic teacher with Gaussian inputs.

    Step size rate; time in units of 1/rate steps, so that t = rate · steps is the time of the flow.

    Parameters
    ----------
    width, dimension : int
        k and d.
    teacher : (d, d) or (d,) array_like
        B, symmetric; its diagonal where it has one axis.
    inputs : (d, d) or (d,) array_like, optional
        S, symmetric and positive definite; default the identity.
    readout : {"signs", "gaussian", "ones"} or (k,) array_like
        The law of a, or a itself.
    centred : bool
        Whether means are subtracted from network and teacher.
    paired : bool, optional
        Every unit comes twice, with +a and −a: the network starts at 0. The default is True for
        "signs" and "gaussian", and False otherwise.
    train_readout : bool
        Whether a is trained as well.
    scale : float
        W₀ has entries of variance scale²/(number of distinct units).
    readout_scale : float
        Multiplies the readouts.
    start : (k, d) array_like, optional
        W₀ itself.
    seed : int
        Of the draw of W₀ and a.

    Raises
    ------
    InvalidInput
        Shapes that do not fit; B or S that is not symmetric; S that is not positive definite; an
        odd width with paired units.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.QuadraticNetwork(4, 2, teacher=[1.0, -0.5])
    >>> problem.paired, problem.distinct
    (True, 2)
    """

    family: ClassVar[str] = "feature_alignment"

    width: Any
    dimension: Any
    teacher: Any
    inputs: Any = None
    readout: str | Any = "signs"
    centred: bool = True
    paired: Any = None
    train_readout: bool = False
    scale: float = 1.0
    readout_scale: float = 1.0
    start: Any = None
    seed: int = 0

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        for name in ("width", "dimension"):
            put(name, count(name, getattr(self, name)))
        d = self.dimension
        put("teacher", _symmetric("teacher", self.teacher, d))
        put("inputs", _symmetric("inputs", np.ones(d) if self.inputs is None else self.inputs, d))
        if _lowest(self.inputs) <= 0:
            remedy = "has an eigenvalue that is not positive; give a positive definite S"
            raise InvalidInput("inputs", self.inputs, remedy)
        put("scale", positive("scale", self.scale))
        put("readout_scale", positive("readout_scale", self.readout_scale))
        put("seed", count("seed", self.seed, 0))
        for name in ("centred", "train_readout"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidType(name, getattr(self, name), "give True or False")
        self._check_readout(put)
        if self.start is not None:
            put("start", _shaped("start", self.start, (self.width, d)))

    def _check_readout(self, put: Any) -> None:
        if isinstance(self.readout, str):
            choice("readout", self.readout, READOUTS)
        else:
            put("readout", _shaped("readout", self.readout, (self.width,)))
        drawn = isinstance(self.readout, str) and self.readout != "ones"
        if self.paired is None:
            put("paired", drawn and self.start is None)
        if not isinstance(self.paired, bool):
            raise InvalidType("paired", self.paired, "give True or False")
        if self.paired and not drawn:
            remedy = 'pairs have the readouts +a and −a; give readout="signs" or "gaussian"'
            raise InvalidInput("paired", self.paired, remedy)
        if self.paired and self.start is not None:
            raise InvalidInput("start", self.start, "is given: use paired=False, or leave it out")
        if self.paired and self.width % 2:
            raise InvalidInput("width", self.width, "pairs need an even number of units")

    @classmethod
    def reversing(
        cls, width: int, dimension: int, ratio: float, fraction: float = 0.5, **options: Any
    ) -> QuadraticNetwork:
        """Return a network on data that reverse the alignment of a wide network as far as two
        eigenvalues can.

        S has the eigenvalues `ratio` and 1, and M = SBS those for which the wide limit is
        2√ratio/(1 + ratio). A construction of ours.

        Parameters
        ----------
        ratio : float
            r > 0, the first eigenvalue of S over the second.
        fraction : float
            Of the dimensions that have the first eigenvalue.
        options
            Further arguments of the class.
        """
        r, d = positive("ratio", ratio), count("dimension", dimension, 2)
        first = int(round(between("fraction", fraction, 0.0, 1.0) * d))
        if not 0 < first < d:
            raise InvalidInput("fraction", fraction, "leaves one block empty; give more")
        # p₁ μ₁⁴ r = p₂ μ₂⁴
        s, m = np.ones(d), np.ones(d)
        s[:first], m[:first] = r, ((d - first) / (first * r)) ** 0.25
        return cls(width, d, teacher=m / s**2, inputs=s, **options)

    @property
    def distinct(self) -> int:
        """Units that are no copies."""
        return self.width // 2 if self.paired else self.width

    @property
    def ratio(self) -> float:
        """d over the number of distinct units."""
        return self.dimension / self.distinct

    @property
    def diagonal(self) -> bool:
        """Whether B and S are both diagonal."""
        return self.teacher.ndim == self.inputs.ndim == 1

    @property
    def moments(self) -> tuple[float, ...]:
        """E a², E a⁴, E a⁶ and E a⁸."""
        if isinstance(self.readout, str):
            return MOMENTS[self.readout]
        return tuple(float(np.mean(self.readout ** (2 * n))) for n in (1, 2, 3, 4))

    def matrix(self, name: str) -> np.ndarray:
        """ "teacher" or "inputs" as a (d, d) array."""
        found = getattr(self, name)
        return np.diag(found) if found.ndim == 1 else found

    @cached_property
    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """W₀ and a."""
        rng = np.random.Generator(np.random.Philox(self.seed))
        units = self.distinct
        W = rng.standard_normal((units, self.dimension)) * (self.scale / np.sqrt(units))
        if isinstance(self.readout, str):
            a = {
                "signs": lambda: np.ones(units) if self.paired else rng.choice([-1.0, 1.0], units),
                "gaussian": lambda: rng.standard_normal(units),
                "ones": lambda: np.ones(units),
            }[self.readout]()
        else:
            a = self.readout
        if self.paired:
            W, a = np.repeat(W, 2, axis=0), np.repeat(a, 2)
            a[1::2] *= -1
        return read_only(W), read_only(self.readout_scale * a)

    @property
    def weights(self) -> np.ndarray:
        """W₀, shape (k, d)."""
        return self._drawn[0] if self.start is None else self.start

    @property
    def readouts(self) -> np.ndarray:
        """a at the start, shape (k,)."""
        return self._drawn[1]

    @cached_property
    def network(self) -> np.ndarray:
        """Θ₀, shape (d, d)."""
        return read_only(self.weights.T @ (self.readouts[:, None] * self.weights))

    def sample(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw n inputs (n, d) and their targets."""
        x = rng.standard_normal((n, self.dimension))
        x = x * np.sqrt(self.inputs) if self.inputs.ndim == 1 else x @ self.root
        B = self.teacher
        values = (x**2 @ B if B.ndim == 1 else np.einsum("ni,ni->n", x @ B, x)) / 2
        return x, values - (self.mean_target if self.centred else 0.0)

    @cached_property
    def root(self) -> np.ndarray:
        """S^(1/2)."""
        values, vectors = np.linalg.eigh(self.matrix("inputs"))
        return read_only((vectors * np.sqrt(values)) @ vectors.T)

    @cached_property
    def mean_target(self) -> float:
        """tr BS/2."""
        if self.diagonal:
            return float(self.teacher @ self.inputs) / 2
        return float(np.sum(self.matrix("teacher") * self.matrix("inputs"))) / 2


def _shaped(field: str, values: Any, shape: tuple[int, ...]) -> np.ndarray:
    found = reals(field, values)
    if found.shape != shape:
        raise InvalidInput(field, values, f"has the shape {found.shape}; give {shape}")
    if not np.all(np.isfinite(found)):
        raise InvalidInput(field, values, "has NaN or infinity; give finite numbers")
    return read_only(found)


def _symmetric(field: str, values: Any, d: int) -> np.ndarray:
    """A diagonal (d,), or a symmetric (d, d)."""
    found = reals(field, values)
    found = _shaped(field, values, (d,) if found.ndim == 1 else (d, d))
    if found.ndim == 2 and np.abs(found - found.T).max() > ROUNDING * np.abs(found).max():
        raise InvalidInput(field, values, "is not symmetric; give (X + Xᵀ)/2")
    return found


def _lowest(inputs: np.ndarray) -> float:
    values = inputs if inputs.ndim == 1 else np.linalg.eigvalsh(inputs)
    return number("inputs", float(values.min() / max(float(values.max()), 1e-300)))
