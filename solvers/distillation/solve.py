r"""solve for BlockwiseDistillation: modes, closed forms, matrices, and the SDE of batches.

The equations are those of :mod:`limitlab.theory.distillation`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import count, ensemble_size
from ...theory.core.time_grid import time_grid
from ...theory.core.version import VERSION
from ...theory.core.warn import warn
from ...theory.distillation.derive import check, check_aligned, derive
from ...theory.distillation.problem import BlockwiseDistillation
from ...theory.methods.base import Method
from ..core.curve import Curve
from ..core.limits import THREADS, Limit, Limits, Option, own_options
from ..core.runs import ensemble
from . import closed, matrices, modes
from .announced import of_steps
from .matrices import SUBSTEPS, Network, product
from .modes import QUANTITIES
from .phases import whole_steps

Array = NDArray[np.float64]


def solve(
    problem: BlockwiseDistillation,
    method: Method,
    until: float | None = None,
    *,
    limit: str | None = None,
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for a deep linear student from its start, through the switching time.

    Parameters
    ----------
    problem : BlockwiseDistillation
    method : GradientDescent or SGD
    until : float, optional
        Last time, t = rate · steps; may be left out where `times` is given.
    limit : str, optional
        One of `LIMITS`: "flow", or "sde" for SGD.
    times, points : array_like, int
        Output times, or how many equal ones from 0; for "map" and "sde" they are rounded to steps.
    system : Map or Derivation, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "loss" of the whole student, "block_loss" summed over its blocks, "overlap" = ⟨U, T⟩/|T|²,
        and "misalignment", the share of the student off the teacher's frames. Without noise the
        arrays "strengths" (T, m) of the student and "layers" (T, L, m), of "matrices" (T, L, m, m).
        "sde" has every path, ``curve.quantile("loss", 0.95)``. The diagnostics announce how far
        the length of the steps moves "loss" from a flow, and from the SDE.

    Raises
    ------
    NotAvailable
        A start that is not aligned, for modes; no closed form; batches without "sde".

    Warns
    -----
    ValidityWarning
        Steps that diverge.
    """
    limit = check(problem, method, limit)
    own = own_options(LIMITS, limit, options)
    if limit in ("flow", "map", "closed"):
        check_aligned(problem, limit)
    derived = derive(problem, method, limit=limit) if system is None else system
    ask = Ask(problem, method, derived, time_grid(until, times, points))
    return LIMITS[limit].road(ask, **own)


@dataclass(frozen=True, eq=False)
class Ask:
    """A checked call of `solve`."""

    problem: BlockwiseDistillation
    method: Any
    system: Any
    time: Array

    @property
    def rate(self) -> float:
        """η."""
        return float(self.method.rate)

    @property
    def steps(self) -> NDArray[np.int64]:
        """The times in whole steps."""
        return whole_steps(self.time, self.rate)


def described(problem: BlockwiseDistillation, method: Any, source: str) -> dict[str, Any]:
    """What a curve says of itself; arrays by their fingerprint, they are the user's."""
    told = {
        name: getattr(problem, name) for name in ("layers", "blocks", "switch", "modes", "seed")
    }
    return {
        "source": source,
        "version": VERSION,
        "problem": {"model": type(problem).__name__, **told, "fingerprint": problem.fingerprint},
        "method": repr(method),
        "time": "rate · steps",
    }


def _curve(ask: Ask, limit: str, time: Array, values: Array, arrays: dict[str, Any]) -> Curve:
    told = described(ask.problem, ask.method, "solve") | {"limit": limit}
    lost = np.flatnonzero(~np.isfinite(values[0]))
    if lost.size:
        warn(f"diverged by t = {time[lost[0]]:g}; lower the rate")
        told |= {"diverged": {"0": int(np.rint(time[lost[0]] / ask.rate))}}
    announced = (
        {} if limit == "map" else {"finite_size": of_steps(ask.problem, ask.rate, time, values[0])}
    )
    return Curve(
        time,
        dict(zip(QUANTITIES, values, strict=True)),
        diagnostics=announced,
        steps=np.rint(time / ask.rate).astype(np.int64),
        label=f"{ask.method.label}, {limit}",
        arrays=arrays,
        provenance=told | {"finite_size_origin": "length of the steps, computed"},
    )


def _flow(ask: Ask) -> Curve:
    states = modes.flowing(ask.problem, ask.rate, ask.time, ask.system)
    values = modes.watched(ask.problem, states, ask.system)
    return _curve(ask, "flow", ask.time, values, modes.recorded(states))


def _map(ask: Ask) -> Curve:
    states = modes.stepped(ask.problem, ask.rate, ask.steps, ask.system)
    values = modes.watched(ask.problem, states, ask.system)
    time = np.asarray(ask.steps * ask.rate, dtype=np.float64)
    return _curve(ask, "map", time, values, modes.recorded(states))


def _closed(ask: Ask) -> Curve:
    states = closed.closed(ask.problem, ask.time, ask.system.functions)
    return _curve(
        ask, "closed", ask.time, modes.watched(ask.problem, states), modes.recorded(states)
    )


def _matrices(ask: Ask) -> Curve:
    network = Network(ask.problem, ask.system.functions)
    states = matrices.flowing(network, ask.time)
    kept = {"layers": states, "strengths": np.einsum("tkk->tk", product(states))}
    return _curve(ask, "matrices", ask.time, network.observed(states), kept)


def _sde(ask: Ask, *, paths: Any, substeps: Any, **crew: Any) -> Curve:
    paths, substeps = ensemble_size("paths", paths, 2), count("substeps", substeps)
    network = Network(ask.problem, ask.system.functions)
    record = whole_steps(ask.time, ask.rate / substeps)
    found = matrices.paths_of(network, ask.method, record, substeps, paths, **crew)
    time = record * (ask.rate / substeps)
    told = described(ask.problem, ask.method, "solve")
    told |= {
        "limit": "sde",
        "paths": paths,
        "substeps": substeps,
        "finite_size_origin": "length of the steps, computed",
    }
    steps = np.rint(time / ask.rate).astype(np.int64)
    curve = ensemble(time, QUANTITIES, found, f"{ask.method.label}, SDE", told, steps=steps)
    return replace(
        curve,
        diagnostics=dict(curve.diagnostics)
        | {"finite_size": of_steps(ask.problem, ask.rate, time)},
    )


LIMITS: Limits = {
    "flow": Limit("gradient flow, mode by mode", _flow),
    "map": Limit("descent at this rate, mode by mode; exact", _map),
    "closed": Limit(
        "the flow in closed form: blocks of one layer, of two, or of balanced ones", _closed
    ),
    "matrices": Limit("gradient flow of the matrices, from any start", _matrices),
    "sde": Limit(
        "SGD: the matrices with the noise of batches, an ensemble of paths",
        _sde,
        {
            "paths": Option(200, "how many"),
            "substeps": Option(SUBSTEPS, "steps of the scheme in one step of SGD"),
            **THREADS,
        },
    ),
}
