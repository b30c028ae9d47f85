r"""How far SGD is from the flow: what the noise of batches adds, and what the steps do.

.. math:: \Delta L(t)\le\frac\eta b\int_0^tL\,\mathbb E\big[(\nabla f\cdot\nabla f')^2\big]ds,\qquad
          |\text{noise}|^2=\frac{2\eta}b\int_0^tL\,\mathbb E|\nabla f|^2ds

Both grow like η d²/b; that the flow damps what is added is left out, so that they are too large.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.feature_alignment.flow import flow_theory
from ...theory.methods.sgd import SGD
from .field import Field
from .roads import Path, descend

Array = NDArray[np.float64]


def announced(problem: Any, method: Any, path: Path, limit: str) -> dict[str, Array]:
    """Relative errors of the loss and of the correlations at the times of a path.

    Of descent on the population only the length of its steps.
    """
    field = Field(problem, flow_theory(problem.centred).functions)
    if path.weights is None or path.readouts is None:
        return {}
    if not isinstance(method, SGD):
        pairs = zip(path.weights, path.readouts, strict=True)
        loss = np.array([field.loss(W, a) for W, a in pairs])
        return {"finite_size": _of_steps(field, method, path, loss)} if limit == "flow" else {}
    numbers = {"eta": float(method.rate), "b": method.batch, "S": field.inputs}
    losses, heats, fills = [], [], []
    for W, a in zip(path.weights, path.readouts, strict=True):
        here = numbers | {"A": np.diag(a), "W": W}
        losses.append(field.loss(W, a))
        heats.append(losses[-1] * field.functions["heating"](**here))
        fills.append(losses[-1] * field.functions["filling"](**here))
    loss = np.array(losses)
    heat, fill = (_area(path.time, np.array(each)) for each in (heats, fills))
    moved = np.sum((path.weights - problem.weights) ** 2, axis=(1, 2))
    error = np.divide(heat, loss, out=np.zeros_like(heat), where=loss > 0)
    if limit == "flow":
        error = error + _of_steps(field, method, path, loss)
    whole = np.sum(path.weights**2, axis=(1, 2))
    return {
        "finite_size": error,
        "finite_size_loss": error,
        "finite_size_centred_alignment": np.divide(
            fill, moved, out=np.zeros_like(fill), where=moved > 0
        ),
        "finite_size_alignment": fill / whole,
    }


def _area(time: Array, values: Array) -> Array:
    slices = np.diff(time) * (values[1:] + values[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(slices)])


def _of_steps(field: Field, method: Any, path: Path, loss: Array) -> Array:
    """Descent by whole steps against the flow."""
    stepped = descend(field, method, path.time)
    assert stepped.weights is not None and stepped.readouts is not None
    pairs = zip(stepped.weights, stepped.readouts, strict=True)
    found = np.array([field.loss(W, a) for W, a in pairs])
    return np.abs(np.interp(path.time, stepped.time, found) / loss - 1)
