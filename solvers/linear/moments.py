r"""The second moments of SGD on a linear model, step by step.

One step of :math:`(M,X,Y)=\mathbb E(zz^\top,zy^\top,yy^\top)` in the eigenbasis of N is the map
that :mod:`limitlab.theory.linear.derivation` derives for a pair of modes. Whole matrices
with :math:`S=V^\top\mathrm{bdiag}(VMV^\top)V` are exact; their diagonals with
:math:`S=\operatorname{tr}M/(DC)` are the closure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.errors import SolveFailed
from ...theory.methods.sampling import Batches

Array = NDArray[np.float64]


def constants(problem: Any, batches: Batches) -> dict[str, float]:
    """The numbers that the derived functions take beside η, λ and the state."""
    mask = batches.moments
    own = {"D": float(problem.data), "C": float(problem.outputs), "mu": batches.momentum}
    return {"c": mask.c, "nu": mask.nu, **own}


@dataclass(frozen=True, eq=False)
class MomentMap:
    """One step of the moments.

    Parameters
    ----------
    functions : mapping
        ``M_next``, ``X_next`` and ``Y_next`` of the derivation.
    numbers : mapping
        :func:`constants`.
    row, column : arrays
        λ_i and λ_j, in shapes that broadcast to that of M.
    source : callable
        S from M.
    """

    functions: Mapping[str, Callable[..., Any]]
    numbers: Mapping[str, float]
    row: Array
    column: Array
    source: Callable[[Array], Any]

    def step(self, state: tuple[Array, Array, Array], rate: float) -> tuple[Array, Array, Array]:
        """The next M, X and Y; without momentum X and Y do not act and stay as they are."""
        M, X, Y = state
        moments = {"M_ij": M, "X_ij": X, "X_ji": X.T, "Y_ij": Y, "S_ij": self.source(M)}
        values = {**self.numbers, **moments, "eta": rate}
        values |= {"lambda_i": self.row, "lambda_j": self.column}
        names = ("M_next", "X_next", "Y_next") if self.numbers["mu"] else ("M_next",)
        after = tuple(self.functions[name](**values) for name in names)
        return after + state[len(after) :]

    def energies(self, start: Array, rates: Array, record: NDArray[np.int64]) -> Array:
        """p_i = M_ii after each of the recorded numbers of steps, shape (T, modes).

        Raises
        ------
        SolveFailed
            The moments exceed what a float can hold: diverged, with the step.
        """
        state = (start, np.zeros_like(start), np.zeros_like(start))
        kept = np.empty((record.size, start.shape[0]))
        done, energies = 0, _own(start)
        with np.errstate(over="ignore", invalid="ignore"):
            for place, wanted in enumerate(record):
                for step in range(done, wanted):
                    before = energies
                    state = self.step(state, float(rates[step]))
                    energies = _own(state[0])
                    if not np.isfinite(energies).all():
                        last = float(before.sum())
                        raise SolveFailed("the mean square diverged", step + 1.0, 1.0, last)
                done = wanted
                kept[place] = energies
        return kept


def _own(M: Array) -> Array:
    """M_ii, of whole matrices and of diagonals."""
    return np.diag(M) if M.ndim == 2 else M


def exact_map(problem: Any, batches: Batches, functions: Mapping[str, Any]) -> MomentMap:
    """The map of the whole matrices, O((DC)³) a step."""
    V, values = problem.eigenvectors, problem.eigenvalues
    numbers = constants(problem, batches)

    def source(M: Array) -> Array:
        return from_blocks(V, blocks(V @ M, V, problem.outputs))

    return MomentMap(functions, numbers, values[:, None], values[None, :], source)


def closed_map(problem: Any, batches: Batches, functions: Mapping[str, Any]) -> MomentMap:
    """The map of the diagonals, O(DC) a step."""
    values = problem.eigenvalues
    numbers = constants(problem, batches)
    return MomentMap(functions, numbers, values, values, lambda p: p.sum() / problem.size)


def blocks(left: Array, V: Array, outputs: int) -> Array:
    """Diagonal blocks of left · Vᵀ, one an example, shape (D, C, C)."""
    rows = left.reshape(-1, outputs, V.shape[1])
    return rows @ V.reshape(rows.shape).transpose(0, 2, 1)


def from_blocks(V: Array, diagonal: Array) -> Array:
    """Vᵀ B V for a block-diagonal B of shape (D, C, C)."""
    return V.T @ (diagonal @ V.reshape(len(diagonal), -1, V.shape[1])).reshape(V.shape)
