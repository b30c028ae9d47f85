r"""A model linear in its parameters on D examples, :math:`L=|z|^2/(2D)`.

.. math:: z_{t+1}=z_t-\frac{\eta}{B}JJ^\top P_tz_t,\qquad
          N=JJ^\top/D=V\,\mathrm{diag}(\lambda)V^\top

With C outputs an example is a block of C consecutive rows, and a batch takes whole blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ..core.by_content import ByContent
from ..core.checks import SIXTH, array, count, read_only, vector, within_size
from ..core.errors import InvalidInput, NotAvailable
from ..core.problem import Problem

#: eigenvalues below this share of the largest are zero, and so is an asymmetry of this size
ROUNDING = 1e-12
_FORMS = ("jacobian", "kernel", "spectrum")


@dataclass(frozen=True, eq=False)
class LinearModel(Problem, ByContent):
    """Residuals z ∈ ℝ^(DC) of a linear model, learnt from D examples that are seen again.

    Step size rate (batch prefactor rate/B), time in steps; loss |z|²/(2D); the edge of stability
    is rate · sharpness = 2.

    Parameters
    ----------
    jacobian : (DC, P) array_like, optional
        J = ∂z/∂θ; the rows of an example are consecutive.
    kernel : (DC, DC) array_like, optional
        N = JJᵀ/D, symmetric and positive semidefinite.
    spectrum : (DC,) array_like, optional
        Eigenvalues of N alone. Without eigenvectors there are the closed theories only.
        Exactly one of the three is given.
    residual : array_like, optional
        The start: z(0), shape (DC,), or its second moment E z zᵀ, shape (DC, DC), from which runs
        draw Gaussian starts. With ``spectrum``: the components of z(0) along the eigenvectors.
        Default: the identity, so that the loss starts at C/2.
    outputs : int
        C, the outputs of an example.

    Raises
    ------
    InvalidInput
        None or two of the three forms; a kernel that is not symmetric or not positive
        semidefinite; shapes that do not fit; entries beyond 1e100, of a Jacobian beyond 1e50.

    Examples
    --------
    >>> import limitlab as ll
    >>> model = ll.LinearModel(spectrum=[2.0, 0.5, 0.0])
    >>> model.data, model.sharpness, model.initial_loss
    (3, 2.0, 0.5)
    """

    family: ClassVar[str] = "linear"

    jacobian: Any = None
    kernel: Any = None
    spectrum: Any = None
    residual: Any = None
    outputs: int = 1

    def __post_init__(self) -> None:
        given = [name for name in _FORMS if getattr(self, name) is not None]
        if len(given) != 1:
            remedy = "give exactly one of jacobian, kernel and spectrum"
            raise InvalidInput("jacobian", given, remedy)
        object.__setattr__(self, "outputs", count("outputs", self.outputs))
        (name,) = given
        check = {"jacobian": _jacobian, "kernel": _kernel, "spectrum": _spectrum}[name]
        object.__setattr__(self, name, check(getattr(self, name)))
        size = len(getattr(self, name))
        if size % self.outputs:
            remedy = f"{size} rows are not blocks of this many; give a divisor of {size}"
            raise InvalidInput("outputs", self.outputs, remedy)
        if self.residual is not None:
            object.__setattr__(self, "residual", self._start(size))

    def _start(self, size: int) -> np.ndarray:
        if np.ndim(self.residual) != 2:
            return within_size("residual", vector("residual", self.residual, size))
        if self.spectrum is not None:
            remedy = "without eigenvectors give the components along them, one axis"
            raise NotAvailable("residual", self.residual, remedy)
        moment = _semidefinite("residual", self.residual)
        if len(moment) != size:
            remedy = f"has {len(moment)} rows; give {size}"
            raise InvalidInput("residual", self.residual, remedy)
        return moment

    @cached_property
    def size(self) -> int:
        """Number of residuals D C."""
        return next(len(getattr(self, f)) for f in _FORMS if getattr(self, f) is not None)

    @property
    def data(self) -> int:
        """Number of examples D."""
        return self.size // self.outputs

    @cached_property
    def gram(self) -> np.ndarray:
        """N = JJᵀ/D, shape (DC, DC).

        Raises
        ------
        NotAvailable
            The problem was given by its spectrum.
        """
        if self.spectrum is not None:
            remedy = "eigenvectors are needed here; give jacobian= or kernel="
            raise NotAvailable("spectrum", self.spectrum, remedy)
        if self.kernel is not None:
            return self.kernel
        return read_only(self.jacobian @ self.jacobian.T / self.data)

    @cached_property
    def _modes(self) -> tuple[np.ndarray, np.ndarray]:
        values, vectors = np.linalg.eigh(self.gram)
        return read_only(_without_rounding(values[::-1])), read_only(vectors[:, ::-1].copy())

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """λ_i of N, from the largest; those at round-off are zero."""
        if self.spectrum is None:
            return self._modes[0]
        return read_only(_without_rounding(np.sort(self.spectrum)[::-1]))

    @property
    def eigenvectors(self) -> np.ndarray:
        """V, one eigenvector a column, in the order of the eigenvalues."""
        return self._modes[1]

    @property
    def sharpness(self) -> float:
        """λ_max(N): the edge of stability is rate · sharpness = 2."""
        return float(self.eigenvalues[0])

    @cached_property
    def start(self) -> np.ndarray:
        """E z(0) z(0)ᵀ in the eigenbasis, shape (DC, DC)."""
        if self.residual is None:
            return read_only(np.eye(self.size))
        if self.residual.ndim == 1:
            z = self.eigenvectors.T @ self.residual
            return read_only(np.outer(z, z))
        return read_only(self.eigenvectors.T @ self.residual @ self.eigenvectors)

    @cached_property
    def energies(self) -> np.ndarray:
        """p_i(0) = E z_i(0)² along the eigenvectors, shape (DC,)."""
        if self.residual is None:
            return read_only(np.ones(self.size))
        if self.spectrum is not None:
            return read_only(self.residual[np.argsort(self.spectrum)[::-1]] ** 2)
        return read_only(np.diag(self.start).copy())

    def residual_from(self, normals: np.ndarray) -> np.ndarray:
        """A start z(0), shape (DC,): the given residual, or made of standard normals."""
        if self.residual is None:
            return np.array(normals, dtype=np.float64)
        if self.residual.ndim == 1:
            return np.array(self.residual)
        return self._root @ normals

    @cached_property
    def _root(self) -> np.ndarray:
        """R with R Rᵀ = E z(0) z(0)ᵀ."""
        values, vectors = np.linalg.eigh(self.residual)
        return vectors * np.sqrt(np.maximum(values, 0.0))

    @property
    def initial_loss(self) -> float:
        """Mean loss at the start."""
        return float(self.energies.sum()) / (2 * self.data)


def _jacobian(values: Any) -> np.ndarray:
    return within_size("jacobian", array("jacobian", values, 2), SIXTH)


def _kernel(values: Any) -> np.ndarray:
    return _semidefinite("kernel", values)


def _spectrum(values: Any) -> np.ndarray:
    result = within_size("spectrum", vector("spectrum", values))
    if result.min() < 0:
        raise InvalidInput("spectrum", values, f"has {result.min():.3g}; give eigenvalues >= 0")
    return result


def _semidefinite(field: str, values: Any) -> np.ndarray:
    matrix = within_size(field, array(field, values, 2))
    if matrix.shape[0] != matrix.shape[1]:
        raise InvalidInput(field, values, f"has the shape {matrix.shape}; give a square matrix")
    scale = np.abs(matrix).max()
    if np.abs(matrix - matrix.T).max() > ROUNDING * scale:
        raise InvalidInput(field, values, "is not symmetric; give (A + Aᵀ)/2")
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest < -1e-10 * scale * len(matrix):
        raise InvalidInput(field, values, f"has the eigenvalue {lowest:.3g}; give none below 0")
    return matrix


def _without_rounding(values: np.ndarray) -> np.ndarray:
    return np.where(values > ROUNDING * max(float(values[0]), 0.0), values, 0.0)
