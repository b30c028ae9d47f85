r"""early_alignment: the centred correlation at t → 0⁺.

The equations are those of :mod:`limitlab.theory.feature_alignment.early`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import array, choice, positive, vector
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable
from ...theory.feature_alignment.early import WORDS, early_theory
from ...theory.feature_alignment.flow import flow_theory
from ...theory.feature_alignment.problem import MOMENTS, ROUNDING, QuadraticNetwork
from .correlations import CORRELATIONS, similarity

Array = NDArray[np.float64]
FORMS = ("exact", "limit", "wide")
#: |Θ₀| relative to |B| from which the start is not at 0
_ZERO = 1e-12


@dataclass(frozen=True)
class EarlyAlignment:
    """The centred correlation at t → 0⁺.

    Attributes
    ----------
    value : float
        C-NFC(0⁺) in the form that was asked for.
    form : str
    numerator, nfm_square, agop_square : float
        The three traces tr/d; the value is the first over the root of the product of the others.
    wide : float
        The limit of k/d → ∞ for the same S and M.
    bound : float
        2√cond(S)/(1 + cond(S)), below which the wide limit never is.
    """

    value: float
    form: str
    numerator: float
    nfm_square: float
    agop_square: float
    wide: float
    bound: float

    def __float__(self) -> float:
        return self.value


def early_alignment(
    problem: QuadraticNetwork,
    form: str = "exact",
    *,
    moments: Any = None,
    correlation: str = "cosine",
) -> EarlyAlignment:
    """Return the centred correlation of features and gradients at the first instant of training.

    Parameters
    ----------
    problem : QuadraticNetwork
        For "limit" and "wide" of diagonal B and S nothing of size k × d is made.
    form : {"exact", "limit", "wide"}
        The formula at these W₀ and a; the limit of large d at fixed d/k; then k/d → ∞.
    moments : (4,) array_like, optional
        E a², E a⁴, E a⁶, E a⁸ in place of those of the problem's readout; for "limit".
    correlation : {"cosine", "pearson"}
        For "exact"; in the limit the two are one, as the mean of the entries vanishes.

    Raises
    ------
    NotAvailable
        "limit" or "wide" of a network that does not start at 0: M depends on W₀ then.
    InvalidInput
        Fewer than four moments, or one that is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> problem = ll.QuadraticNetwork(2 * 10**6, 10**6, teacher=np.ones(10**6))
    >>> round(ll.early_alignment(problem, "limit").value, 6)
    0.944911
    >>> wide = QuadraticNetwork.reversing(2000, 1000, ratio=16)
    >>> round(ll.early_alignment(wide, "wide").value * 17, 9)
    8.0
    """
    choice("form", form, FORMS)
    choice("correlation", correlation, CORRELATIONS)
    if not isinstance(problem, QuadraticNetwork):
        raise InvalidType("problem", problem, "give a QuadraticNetwork")
    if moments is not None and form != "limit":
        raise NotAvailable("moments", moments, 'belongs to form="limit"; leave it out')
    if form == "exact":
        return _exact(problem, correlation)
    if not problem.paired and float(np.abs(problem.network).max()) > _ZERO:
        remedy = (
            'the network does not start at 0, so that M depends on W₀: use form="exact", or '
            "paired=True"
        )
        raise NotAvailable("form", form, remedy)
    even = problem.moments if moments is None else _moments(moments)
    return limit_of(problem, even, form)


def limit_of(problem: QuadraticNetwork, even: tuple[float, ...], form: str) -> EarlyAlignment:
    """The limit from the spectra."""
    return _limit(*_statistics(problem), problem.ratio, even, form)


def _limit(
    S: Array, M: Array, ratio: float, even: tuple[float, ...], form: str = "limit"
) -> EarlyAlignment:
    f = early_theory().functions
    known: dict[str, float] = _traces(S, M)
    wide = float(f["wide"](**known))
    # κ_n = 0 from n = 2 on is d/k = 0
    known |= {"y": 0.0 if form == "wide" else ratio}
    known |= {f"m_{2 * n}": value for n, value in enumerate(even, start=1)}
    value = wide if form == "wide" else float(f["limit"](**known))
    top, nfm, agop = (
        float(f[name](**known)) for name in ("numerator", "nfm_square", "agop_square")
    )
    return EarlyAlignment(value, form, top, nfm, agop, wide, _bound(S))


def early_limit_of(
    inputs: Any, labels: Any, ratio: float, *, moments: Any = None
) -> EarlyAlignment:
    """Return the limit of C-NFC(0⁺) of a quadratic network from statistics of any data.

    The network starts at 0, so that M is that of the labels alone and does not know W₀.

    Parameters
    ----------
    inputs : (d, d) or (d,) array_like
        S = E xxᵀ, or XᵀX/n; its diagonal where it has one axis.
    labels : (d, d) or (d,) array_like
        M = E y xxᵀ, or Xᵀ diag(y) X/n.
    ratio : float
        d over the number of distinct units.
    moments : (4,) array_like, optional
        E a², E a⁴, E a⁶, E a⁸ of the readouts; 1 by default, as of signs.

    Returns
    -------
    EarlyAlignment
        With the wide limit, and the bound, which is 0 for S without an inverse.

    Raises
    ------
    InvalidInput
        Shapes that do not fit; S or M that is not symmetric; M = 0; moments of no law.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> round(ll.early_limit_of(np.ones(50), np.ones(50), 1.0).value, 6)
    0.944911
    """
    S, M = (
        vector(name, given) if np.ndim(given) == 1 else array(name, given, 2)
        for name, given in (("inputs", inputs), ("labels", labels))
    )
    if S.ndim != M.ndim:
        S, M = (np.diag(each) if each.ndim == 1 else each for each in (S, M))
    S, M = (
        _square(name, each, len(S)) if each.ndim == 2 else each
        for name, each in (("inputs", S), ("labels", M))
    )
    if S.shape != M.shape:
        raise InvalidInput("labels", labels, f"has the shape {M.shape}; give {S.shape}")
    if not M.any():
        raise InvalidInput("labels", labels, "is 0: nothing is learnt")
    even = MOMENTS["signs"] if moments is None else _moments(moments)
    return _limit(S, M, positive("ratio", ratio), even)


def _moments(given: Any) -> tuple[float, ...]:
    found = vector("moments", given)
    if found.size < 4:
        remedy = "the limit needs E a², E a⁴, E a⁶ and E a⁸; give four"
        raise InvalidInput("moments", given, remedy)
    if found.min() <= 0:
        raise InvalidInput("moments", given, "even moments are positive; give numbers > 0")
    if np.any(found[1:4] * (1 + 1e-12) < found[0] ** np.arange(2, 5)):
        raise InvalidInput("moments", given, "are of no law: E a^2n >= (E a²)ⁿ")
    return tuple(float(each) for each in found[:4])


def _statistics(problem: QuadraticNetwork) -> tuple[Array, Array]:
    """S and M = SBS, by their diagonals where both are diagonal."""
    if problem.diagonal:
        S, B = problem.inputs, problem.teacher
        M = S * B * S
    else:
        S, B = problem.matrix("inputs"), problem.matrix("teacher")
        M = S @ B @ S
    _largest(M, problem)
    return S, M


def _traces(S: Array, M: Array) -> dict[str, float]:
    """tr/d of the words in P = M² and S, each scaled to a largest entry of 1."""
    M = M / np.abs(M).max()
    if S.ndim == 1:
        letters: dict[str, Any] = {"S": S / S.max(), "P": M**2}
        return {
            f"tr_{word}": float(np.mean(_product([letters[c] for c in word], np.multiply)))
            for word in WORDS
        }
    letters = {"S": S / np.abs(S).max(), "P": M @ M}
    # at most one product a trace is made of more than two factors
    return {
        f"tr_{word}": float(np.trace(_product([letters[c] for c in word], np.matmul))) / len(S)
        for word in WORDS
    }


def _product(factors: list[Any], multiply: Any) -> Any:
    total = factors[0]
    for factor in factors[1:]:
        total = multiply(total, factor)
    return total


def _largest(M: Array, problem: Any) -> float:
    found = float(np.abs(M).max())
    if found == 0:
        raise InvalidInput("teacher", problem.teacher, "is 0: nothing is learnt")
    return found


def _bound(S: Array) -> float:
    values = S if S.ndim == 1 else np.linalg.eigvalsh(S)
    if values.min() <= ROUNDING * values.max():
        return 0.0
    return float(early_theory().functions["bound"](c=float(values.max() / values.min())))


def first_velocity(problem: QuadraticNetwork) -> tuple[Array, Array]:
    """The first velocity of W, and K₀."""
    f = flow_theory(problem.centred).functions
    W, A, S = problem.weights, np.diag(problem.readouts), problem.matrix("inputs")
    D = f["Deviation"](Theta=problem.network, B=problem.matrix("teacher"))
    return f["Wdot"](A=A, W=W, G=f["Pull"](D=D, S=S)), f["Tangent"](A=A, W=W, S=S)


def _exact(problem: QuadraticNetwork, correlation: str) -> EarlyAlignment:
    velocity, K = first_velocity(problem)
    _largest(velocity, problem)
    value, (top, nfm, agop) = _alike(velocity, K, correlation)
    wide = float(early_theory().functions["wide"](**_traces(*_statistics(problem))))
    return EarlyAlignment(value, "exact", top, nfm, agop, wide, _bound(problem.inputs))


def _alike(velocity: Array, K: Array, correlation: str) -> tuple[float, list[float]]:
    nfm, agop = velocity.T @ velocity, velocity.T @ (K @ velocity)
    traces = [float(np.vdot(a, b)) / len(nfm) for a, b in ((nfm, agop), (nfm, nfm), (agop, agop))]
    return similarity(nfm, agop, correlation), traces


def early_alignment_of(
    weights: Any, readouts: Any, inputs: Any, labels: Any, correlation: str = "cosine"
) -> float:
    """Return C-NFC(0⁺) of a quadratic network from statistics of any data.

    Parameters
    ----------
    weights, readouts : (k, d) and (k,) or (k, C) array_like
        W₀ and a; of a network of C outputs one column each.
    inputs : (d, d) array_like
        S = E xxᵀ, or XᵀX/n.
    labels : (d, d) or (C, d, d) array_like
        M = E r xxᵀ with the residual r = y − f₀, or Xᵀ diag(r) X/n, of every output.
    correlation : {"cosine", "pearson"}

    Raises
    ------
    InvalidInput
        Shapes that do not fit; S or M that is not symmetric; M = 0.

    Examples
    --------
    >>> import limitlab as ll
    >>> round(ll.early_alignment_of([[1.0, 0.5]], [1.0], [[1, 0], [0, 2]], [[1, 0], [0, -1]]), 6)
    1.0
    """
    choice("correlation", correlation, CORRELATIONS)
    W = array("weights", weights, 2)
    a = (
        vector("readouts", readouts, len(W))[:, None]
        if np.ndim(readouts) == 1
        else array("readouts", readouts, 2)
    )
    if len(a) != len(W):
        raise InvalidInput("readouts", readouts, f"has {len(a)} rows; give one for each unit")
    S = _square("inputs", inputs, W.shape[1])
    every = labels if np.ndim(labels) == 3 else [labels]
    if len(every) != a.shape[1]:
        raise InvalidInput("labels", labels, f"are {len(every)}; give one for each output")
    M = [_square("labels", each, W.shape[1]) for each in every]
    f = flow_theory(True).functions
    # the squared losses of the outputs add, and so do their gradients and tangents
    outputs = [np.diag(column) for column in a.T]
    velocity = sum(f["Wdot"](A=A, W=W, G=-m / 2) for A, m in zip(outputs, M, strict=True))
    if not velocity.any():
        raise InvalidInput("labels", labels, "M or the readouts are 0: nothing is learnt")
    K = sum(f["Tangent"](A=A, W=W, S=S) for A in outputs)
    return _alike(velocity, K, correlation)[0]


def _square(field: str, given: Any, d: int) -> Array:
    found = array(field, given, 2)
    if found.shape != (d, d):
        raise InvalidInput(field, given, f"has the shape {found.shape}; give {(d, d)}")
    if np.abs(found - found.T).max() > ROUNDING * np.abs(found).max():
        raise InvalidInput(field, given, "is not symmetric; give (X + Xᵀ)/2")
    return found
