r"""The random curvature Q of second-order regression: dense, or revealed only where it is visited.

Q has one symmetric Gaussian (GOE) matrix for every example, off-diagonal variance q. The parameters
of a run span few directions, so the lazy one keeps orthonormal :math:`e_1,\dots,e_k` with
:math:`Y_j=(Q_ae_j)_a` and draws, for a new direction e,

.. math:: Q_ae=\sum_je_j\,(Y_{j,a}\cdot e)+\sqrt{2q}\,n_a\,e+\sqrt q\,\Pi n'_a ,

with :math:`\Pi` the projector orthogonal to all of them: the law given what is known. Derived here.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..core import random

Array = NDArray[np.float64]

#: a direction whose part outside the known span is smaller than this is not new
_KNOWN = 1e-10
#: streams of the normals, and the key of the partner of an antithetic pair
_DENSE, _LAZY, _PARTNER = 0, 1, 1
#: float32 coordinates of the revealed span are good to about this
STORAGE_ERROR = 1e-7


class Curvature(Protocol):
    """Anything that applies Q to a direction."""

    def apply(self, x: Array) -> Array:
        """Return the D × P matrix with the rows Q_a x."""
        ...


class DenseCurvature:
    """All of Q, 8DP² bytes.

    Parameters
    ----------
    tensor : (D, P, P) array
        Symmetric in the last two axes.
    """

    def __init__(self, tensor: Array) -> None:
        self.tensor = tensor

    @classmethod
    def draw(
        cls, sequence: np.random.SeedSequence, shape: tuple[int, int], q: float
    ) -> DenseCurvature:
        """Draw Q for (D, P): off-diagonal variance q, diagonal variance 2q."""
        D, P = shape
        square = random.normals(sequence, D * P * P, 0, _DENSE).reshape(D, P, P).astype(np.float64)
        square += square.transpose(0, 2, 1).copy()
        return cls(square * np.sqrt(q / 2))

    def apply(self, x: Array) -> Array:
        return self.tensor @ x

    def opposite(self) -> DenseCurvature:
        """−Q."""
        return DenseCurvature(-self.tensor)


class LazyCurvature:
    """Q revealed along the visited directions; 4DP bytes a direction, in float32.

    Parameters
    ----------
    sequence : SeedSequence
        Of the run; direction k draws from its own stream.
    shape : (D, P)
    q : float
    room : int
        Largest number of directions: the steps of the run, or P.
    """

    def __init__(
        self, sequence: np.random.SeedSequence, shape: tuple[int, int], q: float, room: int
    ) -> None:
        self._sequence, self._shape, self._q = sequence, shape, q
        self._directions = np.empty((room, shape[1]))
        self._revealed = np.empty((shape[0], room, shape[1]), dtype=np.float32)
        self._known = 0

    @property
    def directions(self) -> Array:
        """e_1 … e_k, (k, P)."""
        return self._directions[: self._known]

    @property
    def revealed(self) -> NDArray[np.float32]:
        """Q_a e_j, (D, k, P)."""
        return self._revealed[:, : self._known]

    def apply(self, x: Array) -> Array:
        """Return the D × P matrix with the rows Q_a x; a new direction is revealed."""
        inside, outside = self._split(x)
        length = float(np.linalg.norm(outside))
        if length <= _KNOWN * float(np.linalg.norm(x)):
            return self._recall(inside, outside)[0]
        e = outside / length
        bend, symmetric = self._recall(inside, e)
        return bend + length * self._reveal(e, symmetric)

    def opposite(self) -> LazyCurvature:
        """−Q as far as it is known; what is unknown is drawn anew, from streams of its own.

        The partner of an antithetic pair: it visits other directions, so that turning the sign of
        the normals would not give −Q.
        """
        k, room = self._known, self._known + len(self._directions)
        key = random.child(self._sequence, _PARTNER)
        partner = LazyCurvature(key, self._shape, self._q, room)
        partner._directions[:k], partner._revealed[:, :k] = self.directions, -self.revealed
        partner._known = k
        return partner

    def _split(self, x: Array) -> tuple[Array, Array]:
        """Coordinates of x in the known span, and the rest; orthogonalised twice."""
        E = self.directions
        inside = E @ x
        outside = x - inside @ E
        again = E @ outside
        return inside + again, outside - again @ E

    def _recall(self, inside: Array, e: Array) -> tuple[Array, Array]:
        """Return Q_a of the known part, (D, P), and Y_{j,a}·e, (D, k).

        Both in one pass, example by example: the pass over memory is what costs.
        """
        D, P = self._shape
        bend, symmetric = np.empty((D, P)), np.empty((D, self._known))
        inside, e = inside.astype(np.float32), e.astype(np.float32)
        for a, block in enumerate(self.revealed):
            bend[a], symmetric[a] = inside @ block, block @ e
        return bend, symmetric

    def _reveal(self, e: Array, symmetric: Array) -> Array:
        """Draw Q_a e given what is known, store and return it; in float32."""
        D, P = self._shape
        k, E = self._known, self.directions.astype(np.float32)
        n = np.float32(np.sqrt(self._q)) * random.normals(self._sequence, D * (P + 1), k, _LAZY)
        along, free = n[:D], n[D:].reshape(D, P)
        new = free + (symmetric.astype(np.float32) - free @ E.T) @ E
        single = e.astype(np.float32)
        new += np.outer(np.float32(np.sqrt(2)) * along - free @ single, single)
        self._directions[k], self._revealed[:, k] = e, new
        self._known = k + 1
        return new
