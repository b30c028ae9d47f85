"""Slow averages solved: the energies of all modes, beside the state of v and, if slow, of m."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from ...theory.adam import memory as equations
from ...theory.adam.memory import MemorySystem
from ...theory.core.printer import SourcePrinter
from ...theory.core.symbolic import numbers, twin
from ...theory.schedules.kinks import kinks, schedules_of
from ..core.compile import load, writable
from ..stepping.failure import finished
from ..stepping.landing import landing
from ..streaming.compress import Spectrum
from ..streaming.ode import Array

_MOST_STEPS = 200_000


def solve_memory(
    method: Any,
    spectrum: Spectrum,
    variance: float,
    scales: tuple[float, float],
    times: Array,
    rtol: float,
    system: MemorySystem,
) -> tuple[Array, Array]:
    """Return R and 𝒱 at the times.

    Parameters
    ----------
    spectrum : Spectrum
        Rates λ = √k, energies and sources of the modes.
    variance : float
        σ².
    scales : (c₁, c₂)
    system : MemorySystem

    Raises
    ------
    SolveFailed
    """
    symbolic, parameters = twin(method, "method")
    rates = tuple(q for q in parameters if q.field == "rate")
    printer = SourcePrinter(tuple(q.symbol for q in rates), {})
    rate = printer.function("rate", "t, p", sp.sympify(symbolic.rate))
    source = "\n\n".join([*printer.functions, rate, system.source])
    squares = spectrum.rates**2
    arrays = (writable(squares), writable(spectrum.sources))
    stops = kinks(schedules_of(method), float(times[-1]))
    landed, rows = landing(writable(times), stops)
    answer, report = load(source, "adam/memory").solve_memory(
        _start(spectrum, variance, scales[0], system),
        landed,
        (float(variance), *map(float, scales)),
        *arrays,
        numbers(rates, {"method": method}),
        rtol,
        _MOST_STEPS,
    )
    risk, memory = finished(answer, report)
    return risk[rows], memory[rows]


def _start(spectrum: Spectrum, variance: float, c_1: float, system: MemorySystem) -> Array:
    power = variance + 2 * float(spectrum.energies.sum())
    symbols = (equations.energy, equations.source, equations.variance)
    values = (spectrum.energies, spectrum.sources, spectrum.rates**2)
    rows = [
        sp.lambdify(symbols, state.subs({equations.c_1: c_1, equations.power: power}))(*values)
        for state in system.start
    ]
    memory = np.zeros_like(spectrum.rates)
    memory[0] = power
    return np.array([*np.broadcast_arrays(*rows), memory], dtype=float)
