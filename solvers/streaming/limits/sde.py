"""limit="sde": an ensemble of paths of the limiting SDE."""

from __future__ import annotations

from typing import Any

from ....theory.core.checks import choice, ensemble_size, positive
from ...core.curve import Curve
from ...core.limits import THREADS, Limit, Option
from ...core.provenance import seed_text
from ..ensemble import sde_risk
from ..results import ensemble_curve
from ..task import Task
from .fluctuations import DIFFUSION

_STEP = Option(
    None,
    "largest step; by default the risk of the ODE changes by about 2 % in one step, which is at "
    "most 1/200 of the horizon and, for the exact diffusion, a quarter of the fastest relaxation "
    "time",
)


def solve(
    task: Task,
    *,
    diffusion: str,
    paths: int,
    step: float | None,
    seed: Any,
    workers: Any,
    progress: bool | None,
) -> Curve:
    """Paths of the SDE, around the risk of the ODE."""
    choice("diffusion", diffusion, ("exact", "published"))
    task.check_dimension()
    paths, step = ensemble_size("paths", paths, 2), None if step is None else positive("step", step)
    mean = task.mean()
    risk, errors = sde_risk(
        task.problem,
        task.method,
        task.coefficients,
        task.noisy,
        (task.grid, mean.found.answer.risk),
        exact=diffusion == "exact",
        step=step,
        paths=paths,
        seed=seed,
        workers=workers,
        progress=progress,
    )
    said = mean.provenance | {"diffusion": diffusion, "paths": paths, "seed": seed_text(seed)}
    relative = mean.found.announced.relative
    return ensemble_curve(task.problem, task.method, task.grid, risk, relative, said, errors)


LIMIT = Limit(
    "paths of the limiting SDE",
    solve,
    {"diffusion": DIFFUSION, "paths": Option(500, "how many"), "step": _STEP} | THREADS,
)
