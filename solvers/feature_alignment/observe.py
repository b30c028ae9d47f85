"""What is recorded of a quadratic network, by theory and by runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.version import VERSION
from .correlations import similarity
from .early import first_velocity
from .field import Field
from .roads import Path

Array = NDArray[np.float64]
NAMES = ("loss", "alignment", "centred_alignment", "displacement")


def provenance(problem: Any, method: Any, source: str) -> dict[str, Any]:
    """What a curve says of itself; arrays by their shapes, they are the user's."""
    told = {"model": type(problem).__name__}
    for name in ("width", "dimension", "centred", "paired", "train_readout", "scale", "seed"):
        told[name] = getattr(problem, name)
    told["readout"] = problem.readout if isinstance(problem.readout, str) else "given"
    return {
        "source": source,
        "version": VERSION,
        "problem": told | {"fingerprint": problem.fingerprint},
        "method": repr(method),
        "time": "rate · steps",
    }


def observed(
    field: Field, path: Path, correlation: str, matrices: bool
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The quantities over a path, and NFM and AGOP where they are kept."""
    if path.features is not None:
        return _of_features(field, path.features, correlation, matrices)
    assert path.weights is not None and path.readouts is not None
    states = list(zip(path.weights, path.readouts, strict=True))
    pairs = [_matrices(field, W, a) for W, a in states]
    rows = [
        _told(field, W, a, correlation, pair) for (W, a), pair in zip(states, pairs, strict=True)
    ]
    values = dict(zip(NAMES, np.array(rows).T, strict=True))
    if not matrices:
        return values, {}
    return values, {name: np.array([pair[i] for pair in pairs]) for i, name in enumerate(_ARRAYS)}


_ARRAYS = ("NFM", "AGOP")


def _matrices(field: Field, W: Array, a: Array) -> tuple[Array, Array]:
    f = field.functions
    network = f["Network"](A=np.diag(a), W=W)
    return f["NFM"](W=W), f["AGOP"](Theta=network, S=field.inputs)


def snapshot(field: Field, W: Array, a: Array, correlation: str) -> tuple[float, ...]:
    """Loss, both correlations and displacement of a state."""
    return _told(field, W, a, correlation, _matrices(field, W, a))


def _told(
    field: Field, W: Array, a: Array, correlation: str, pair: tuple[Array, Array]
) -> tuple[float, ...]:
    if not np.all(np.isfinite(W)):
        return (np.nan,) * len(NAMES)
    start = field.problem.weights
    moved = W - start
    nfm, agop = pair
    if moved.any():
        K = field.functions["Tangent"](A=np.diag(a), W=W, S=field.inputs)
    else:  # both go to 0 together: their limit
        moved, K = first_velocity(field.problem)
    centred = similarity(moved.T @ moved, moved.T @ (K @ moved), correlation)
    gone = float(np.linalg.norm(W - start) / np.linalg.norm(start))
    return field.loss(W, a), similarity(nfm, agop, correlation), centred, gone


def _of_features(
    field: Field, features: Array, correlation: str, matrices: bool
) -> tuple[dict[str, Array], dict[str, Array]]:
    """What WᵀW alone tells, for A = S = 1."""
    f, S = field.functions, field.inputs
    gradients = [f["AGOP"](Theta=N, S=S) for N in features]
    losses = [f["loss"](D=f["Deviation"](Theta=N, B=field.teacher), S=S) for N in features]
    alike = [similarity(N, G, correlation) for N, G in zip(features, gradients, strict=True)]
    values = {"loss": np.array(losses), "alignment": np.array(alike)}
    arrays = {"NFM": features, "AGOP": np.array(gradients)} if matrices else {}
    return values, arrays
