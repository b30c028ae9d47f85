"""From finished runs to a Curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....solvers.core.curve import Curve
from ....solvers.core.runs import LARGEST
from ....theory.core.errors import SolveFailed
from ....theory.core.version import VERSION
from ....theory.schedules.following import FollowingRate
from ....theory.schedules.schedule import evaluate
from ....theory.streaming.tails import tail_matters
from .engine import Engine, Outcome


def recorded_steps(times: np.ndarray, dimension: int) -> np.ndarray:
    """Step numbers nearest to the times, each once: t is rounded to k/d."""
    return np.unique(np.rint(times * dimension).astype(np.int64))


def refuse_divergence(outcomes: Sequence[Outcome], engine: Engine, method: Any) -> None:
    """Raise where runs blew up: a mean over the others would be meaningless."""
    lost = [o.diverged for o in outcomes if o.diverged is not None]
    if not lost:
        return
    time = min(lost) / engine.dimension
    follows = isinstance(method.rate, FollowingRate)
    rate = np.nan if follows else float(evaluate(method.rate, np.array([time]))[0])
    raise SolveFailed(
        f"{len(lost)} of {len(outcomes)} runs of {method.label} diverged (risk above {LARGEST:g}), "
        "so that a mean over runs means nothing; lower the rate. First",
        time,
        rate / engine.dimension,
        math.inf,
    )


def to_curve(
    outcomes: Sequence[Outcome],
    engine: Engine,
    problem: Any,
    method: Any,
    provenance: dict[str, Any],
) -> Curve:
    """Mean, standard deviation and every run, at the rounded times."""
    names = outcomes[0].values
    samples = {name: np.stack([o.values[name] for o in outcomes]) for name in names}
    if "loss" not in samples:
        floor = 0.5 * float(problem.noise.variance)
        if math.isfinite(floor):
            samples["loss"] = samples["risk"] + floor
    several = len(outcomes) > 1
    rows = ", rows" if engine.name == "rows" else ""
    return Curve(
        time=engine.record / engine.dimension,
        values={name: array.mean(axis=0) for name, array in samples.items()},
        spread={n: a.std(axis=0, ddof=1) for n, a in samples.items()} if several else {},
        samples=samples,
        steps=engine.record,
        kind="simulation",
        label=f"{method.label}{rows}, d = {engine.dimension}",
        provenance=provenance,
    )


def provenance(
    problem: Any,
    method: Any,
    engine: Engine,
    sequence: np.random.SeedSequence,
    times: np.ndarray,
) -> dict[str, Any]:
    """How the curve was made, in numbers and text only."""
    shift = np.abs(np.rint(times * engine.dimension) / engine.dimension - times)
    noise = "residuals of the rows" if engine.noise is None else problem.noise.label
    return {
        "source": "simulate",
        "version": VERSION,
        "problem": {
            "covariance": repr(problem.covariance),
            "dimension": engine.dimension,
            "noise": noise,
            "start": "default" if problem.start is None else "given",
            "initial_risk": float(problem.risk),
        },
        "method": repr(method),
        "engine": engine.name,
        "seed": {
            "entropy": _jsonable(sequence.entropy),
            "spawn_key": [int(k) for k in sequence.spawn_key],
        },
        "samples_per_step": method.batch,
        "times": "rounded to k/d",
        "largest_rounding": float(shift.max()),
        "heavy_tailed": engine.noise is not None and tail_matters(method, problem.noise),
    }


def pairing(methods: Sequence[Any], position: int) -> dict[str, Any]:
    """What a curve says about the methods that saw the same samples; nothing if it was alone."""
    if len(methods) == 1:
        return {}
    return {"paired": {"methods": [repr(method) for method in methods], "position": position}}


def _jsonable(entropy: Any) -> Any:
    if isinstance(entropy, int | np.integer):
        return str(int(entropy))
    return [str(int(word)) for word in entropy]
