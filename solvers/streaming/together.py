"""Many cells of the risk ODE at once: those that differ in their rate alone share everything else.

One derivation, one binding, one table of coefficients and one compression a group; the rule of the
compression is that which the cell of the largest rate needs, since the modes have decayed most
there. What a cell gives depends on its group's largest rate and on nothing else of the sweep.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from ...theory.core import symbols
from ...theory.core.checks import between
from ...theory.core.errors import LimitlabError
from ...theory.core.once import one_call, shipped
from ...theory.core.time_grid import time_grid
from ...theory.streaming.derive import bind, derive, rate_place
from ..stepping.adaptive import DONE
from . import validity
from .coefficients import Coefficients
from .compress import Spectrum, binned
from .corrections import Limit
from .finite_size import FiniteSize, finite_size, is_linear, of_table
from .ode import (
    Cells,
    OdeAnswer,
    compress_for,
    finest,
    integrate,
    integrate_cells,
    sensitivities,
    settled,
)
from .results import loss_floor

Array = np.ndarray
#: highest risk of a table at first, over R(0), and its Chebyshev panels, which reach down to
#: R(0)/44; a group that rises above has a higher one, and cells that fall below are solved again
_HIGHEST, _PANELS = 1.25, 2
#: share of the tolerance below which the smaller one of the last two rules does
_AGREE = 0.01


def solve_together(
    pairs: Sequence[tuple[Any, Any]],
    until: float | None,
    *,
    fastest: float | None = None,
    rtol: float = 1e-8,
    times: Any = None,
    points: int = 101,
) -> list[Any]:
    """Solve the risk ODE of many problems and methods.

    Parameters
    ----------
    pairs : sequence of (problem, method)
        Neighbours that differ in a constant rate alone are solved in one go.
    fastest : float, optional
        The largest rate of each group; by default of those that are given.

    Returns
    -------
    list
        For each pair (status, reason, time, values, spread, announced error), or the error.

    Raises
    ------
    TypeError
        A pair of which `solve` must be asked: a rate or a threshold that is not a number.
    """
    grid = time_grid(until, times, points)
    rtol = between("rtol", rtol, 1e-12, 1e-2)
    found: list[Any] = []
    with one_call():
        for _, group in groupby(pairs, key=_beside_rate()):
            members = list(group)
            try:
                found += Group(members, grid, rtol, fastest).answers()
            except LimitlabError as error:
                found += [error] * len(members)
    return found


def _beside_rate() -> Any:
    """The key of a group: the problem, and all of the method but its rate."""
    names: dict[Any, Any] = {}

    def key(pair: tuple[Any, Any]) -> Any:
        problem, method = pair
        fields = vars(method)
        if not isinstance(method.rate, float) or any(map(_moves, fields.values())):
            raise TypeError("a schedule")
        rest = tuple((name, value) for name, value in fields.items() if name != "rate")
        return names.setdefault(id(problem), len(names)), type(method), rest

    return key


def _moves(value: Any) -> bool:
    """Whether it is a schedule."""
    return not isinstance(value, float | int | str) and bool(getattr(value, "free_symbols", ()))


class Group:
    """Cells of one problem and of methods that differ in their rate."""

    def __init__(
        self, pairs: Sequence[tuple[Any, Any]], grid: Array, rtol: float, fastest: float | None
    ) -> None:
        self.problem, _ = pairs[0]
        self.methods = [method for _, method in pairs]
        self.grid, self.rtol = grid, rtol
        rate = max([method.rate for method in self.methods] + [fastest or 0.0])
        self.hardest = replace(self.methods[0], rate=rate)

    def answers(self) -> list[Any]:
        """What each cell gives."""
        system = derive(self.problem, self.hardest)
        place = rate_place(system)
        numbers = bind(system, self.problem, self.hardest)
        if place is None or numbers.unit is None:
            raise TypeError("something else reads the rate")
        # nothing but the rate reads the rate, and nothing moves in time
        coefficients = replace(Coefficients.of(system.mean.source, numbers), steady=True)
        # of a user's own rule the numbers may decide what it is, or whether it is one
        told = system.rule == symbols.residual and self.hardest.acts_on != "coordinate"
        self._linear = told if shipped(self.hardest) else is_linear(self.hardest)
        spectrum = binned(self.problem, self.hardest)
        start, until = max(float(np.sum(spectrum.energies)), 1e-3), float(self.grid[-1])
        largest = _HIGHEST * start
        table = coefficients.table(largest, until, most=_PANELS)

        def run(modes: Any) -> Array:
            return integrate(coefficients, modes, self.grid, self.rtol, table=table)

        try:
            small, risk = self._compressed(spectrum, run)
            rises = len(table) > 1 and risk.max() > largest
        except LimitlabError:  # the hardest cell runs away: the others take its finest rule
            small, rises = finest(spectrum), True
        if rises:
            largest = 10.0 * start
            table = coefficients.table(largest, until, most=_PANELS + 1)
        p = np.tile(numbers.p, (len(self.methods), 1))
        p[:, place] = [method.rate for method in self.methods]
        risks, reports = self._risks(coefficients, small, p, table)
        low = np.exp(table[0, 0, 0]) if len(table) > 1 else 0.0
        deep = np.flatnonzero(np.nanmin(risks, axis=1, initial=np.inf) < low)
        if deep.size:
            table = coefficients.table(largest, until)
            risks[deep], reports[deep] = self._risks(coefficients, small, p[deep], table)
        self._modes = coefficients, small, table
        return self._told(p, risks, reports)

    def _compressed(self, spectrum: Spectrum, run: Any) -> tuple[Spectrum, Array]:
        """The spectrum of the cells, and the risk of the hardest of them."""
        tried: list[Spectrum] = []

        def noted(modes: Spectrum) -> Array:
            tried.append(modes)
            risk: Array = run(modes)
            return risk

        small, risk, gap = compress_for(spectrum, self.grid, self.rtol, noted)
        agree = len(tried) > 1 and gap.max() <= _AGREE * self.rtol
        return (tried[-2] if agree else small), risk

    def _risks(
        self, coefficients: Coefficients, modes: Spectrum, p: Array, table: Array
    ) -> tuple[Array, Array]:
        cells = Cells(p, np.ones((len(p), 2)), np.full(len(p), self.rtol))
        return integrate_cells(coefficients, modes, self.grid, cells, table)

    def _told(self, p: Array, risks: Array, reports: Array) -> list[Any]:
        """The answers, or errors, in the order of the cells."""
        found: list[Any] = [None] * len(risks)
        done = (reports[:, 0] == DONE) & np.isfinite(risks).all(axis=1)
        for k in np.flatnonzero(~done).tolist():
            try:
                settled(risks[k], reports[k])
            except LimitlabError as error:
                found[k] = error
        sound = np.flatnonzero(done).tolist()
        if sound:
            kept = np.maximum(risks[sound], 0.0)
            errors = self._announced(sound, p[sound], kept)
            floor = loss_floor(self.problem)
            for k, risk, announced in zip(sound, kept, errors, strict=True):
                values = {"risk": risk} | ({} if floor is None else {"loss": risk + floor})
                found[k] = (*self._status(k), self.grid, values, {}, announced)
        return found

    def _status(self, k: int) -> tuple[str, str]:
        if not self._linear:
            return "ok", ""
        method = self.methods[k]
        load = method.rate / validity.stability_limit(self.problem, method.batch)
        return ("ok", "") if load < 1 else ("diverged", validity.unstable(load))

    def _announced(self, cells: Sequence[int], p: Array, risks: Array) -> Iterable[Array]:
        """The announced relative error of each cell."""
        problem, first = self.problem, self.methods[0]
        alone = first.acts_on == "coordinate" or (first.batch > 1 and first.pool == "mean")
        if math.isinf(problem.dimension) or (self._linear and not alone):
            pairs = zip(cells, risks, strict=True)
            return [self._limit(k, risk) for k, risk in pairs]
        if self._linear:
            tables = np.array([self._limit(k, risk) for k, risk in zip(cells, risks, strict=True)])
        else:
            rates = np.array([[self.methods[k].rate] for k in cells])
            tables = of_table(problem, first, rates, self.grid, risks)
        if not alone:
            return tables
        drifts, noises = sensitivities(*self._modes[:2], self.grid, p, self._modes[2])
        rows = zip(cells, risks, tables, p, drifts, noises, strict=True)
        return [self._corrected(*row) for row in rows]

    def _limit(self, k: int, risk: Array) -> Array:
        return finite_size(self.problem, self.methods[k], self.grid, risk).relative

    def _corrected(
        self, k: int, risk: Array, table: Array, p: Array, drift: Array, noise: Array
    ) -> Array:
        """With what the limit neglects beside, by the sensitivities of the cell."""
        count = self._modes[1].count
        answer = OdeAnswer(risk, lambda: np.zeros_like(risk), lambda: (drift, noise), count)
        announced = FiniteSize(table, "measured table")
        coefficients = replace(self._modes[0], p=p, _found={})
        limit = Limit(
            self.problem, self.methods[k], coefficients, self.grid, answer, announced, self.rtol
        )
        return limit.corrected(None).announced.relative
