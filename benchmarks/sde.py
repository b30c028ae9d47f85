"""Ensembles of the limiting SDE: nanoseconds a mode, step and path."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import limitlab as ll
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.solvers.streaming.compress import Spectrum
from limitlab.solvers.streaming.sde import PUBLISHED, EnergySde, energy_paths
from limitlab.theory.streaming.derive import bind

from . import sde_peers as peers
from .clipping import Case
from .clock import Call
from .contest import Entry, contest
from .report import Goal, Table, at_least
from .sde_peers import Ensemble

GOALS = {
    "": Goal(2, least=False, of="value", unit="ns"),
    "numba": at_least(5),
    "JAX": at_least(6),
    "diffrax": at_least(20),
    "torchsde": at_least(50),
}


def ours(ensemble: Ensemble, diffusion: str = "published") -> Call:
    """`solve(limit="sde")`, all of it: the ODE, which guides the steps, is in the time."""
    case = ensemble.case

    def call() -> np.ndarray:
        curve = ll.solve(
            case.problem,
            case.method,
            times=[0, case.times[-1]],
            limit="sde",
            step=ensemble.step,
            diffusion=diffusion,
            paths=ensemble.paths,
            seed=1,
            workers=1,
            progress=False,
        )
        return curve.samples["risk"][:, -1]

    return call


def every_mode(ensemble: Ensemble) -> Call:
    """The same kernel without compression: a normal for every mode, step and path."""
    case = ensemble.case
    system = ll.derive(case.problem, case.method)
    coefficients = Coefficients.of(
        system.source + PUBLISHED, bind(system, case.problem, case.method)
    )
    modes = Spectrum(case.modes.rates, case.modes.energies, case.modes.sources)
    sde = EnergySde(coefficients, modes, float(case.m))
    times, counts = np.array([0.0, case.times[-1]]), np.array([ensemble.steps])
    return lambda: energy_paths(sde, times, counts, paths=ensemble.paths, seed=1, workers=1)[:, -1]


def mean(risks: np.ndarray) -> str:
    """The remark: mean and standard error of the risk at the end."""
    error = np.std(risks, ddof=1) / np.sqrt(risks.size)
    return f"mean {np.mean(risks):.4f} ± {error:.4f}"


def tables(quick: bool) -> Iterator[Table]:
    """One table. Slow peers do the first steps only; their remark is then of an earlier time."""
    paths, steps = (64, 100) if quick else (256, 400)
    whole = Ensemble(Case(1024, horizon=2.0), paths, steps)
    part = whole.shortened(max(whole.steps // 8, 20))
    entries = [
        Entry("limitlab, solve(limit='sde')", lambda: ours(whole), whole.units),
        Entry("the same, exact diffusion", lambda: ours(whole, "exact"), whole.units, "exact"),
        Entry("the same, no mode compressed", lambda: every_mode(whole), whole.units, "modes"),
        Entry("numpy, float32, SFC64", lambda: peers.by_numpy(whole), whole.units, "numpy"),
        Entry("numba + Generator(SFC64)", lambda: peers.by_numba(whole), whole.units, "numba"),
        Entry("JAX scan + vmap, float32", lambda: peers.by_jax(whole), whole.units, "JAX"),
        Entry("torch, float32", lambda: peers.by_torch(whole), whole.units, "torch"),
        Entry("diffrax Euler", lambda: peers.by_diffrax(part), part.units, "diffrax"),
        Entry("torchsde Euler", lambda: peers.by_torchsde(part), part.units, "torchsde"),
    ]
    rows = contest(entries, GOALS, remark=mean, rounds=3 if quick else 7, budget=2.0)
    caption = (
        f"Clipped SGD, {whole.case.m} modes, {whole.paths} paths, {whole.steps} steps up to "
        f"λ_max t = 2 (diffrax and torchsde: the first {part.steps}); one thread. solve walks "
        f"on Gauss nodes, which have the law of the risk to leading order in 1/d."
    )
    yield Table("Ensemble of the SDE", "ns", rows, caption=caption)
