"""From a method's symbolic rule to the compiled step of the finite-dimensional algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from ....solvers.core.compile import load
from ....theory.core.errors import NotAvailable
from ....theory.core.printer import SourcePrinter
from ....theory.core.symbolic import Parameter, numbers, twin
from ....theory.core.symbols import dimension
from ....theory.schedules.running_quantile import RunningQuantile, updated
from ....theory.streaming.rules import rule_of

_KERNELS = Path(__file__).parent / "kernels"
ACTS_ON = {"residual": 0, "norm": 1, "coordinate": 2}
NORM, COORDINATE = ACTS_ON["norm"], ACTS_ON["coordinate"]
#: where the rule acts in a batch, as the kernels number it
POOLS = {"each": 0, "mean": 1, "both": 2}
EACH = POOLS["each"]
_ADAPT = "@scalar\ndef adapt(n, d, p):\n    {}\n"


@dataclass(frozen=True, eq=False)
class Lowered:
    """What the kernels need of a method.

    Attributes
    ----------
    source : str
        Generated definitions of ``rate(t, p)``, ``rule(ell, t, p)`` and ``adapt(n, d, p)``.
    parameters : (k,) array
        The method's numbers, p, at the start of a run; ``adapt`` may move those of the run.
    acts_on : int
        0 residual, 1 gradient norm, 2 coordinate.
    pool : int
        In a batch: the rule on each sample (0), on their mean (1), on both (2).
    batch : int
        Samples a step.
    """

    source: str
    parameters: np.ndarray
    acts_on: int
    pool: int = EACH
    batch: int = 1

    #: states of a coordinate
    states: ClassVar[tuple[str, ...]] = ("delta",)
    #: chain, vector, dense and rows of a family of its own; None: those of a stream
    engines: ClassVar[tuple[Any, ...] | None] = None
    #: an eigenvalue of the reduced chain costs as much as this many coordinates (measured)
    crowded: ClassVar[int] = 12

    @property
    def crowding(self) -> int:
        """Coordinates of a sample that cost as much as an eigenvalue of the reduced chain."""
        return self.crowded

    @property
    def obstacle(self) -> str | None:
        """Why there is no chain of the eigenspaces; None where there is."""
        if self.acts_on == COORDINATE:
            return "coordinate-wise methods do not commute with rotations"
        if self.needs_every_length:
            return "clipping per sample needs every sample of a batch"
        return None

    @property
    def form(self) -> tuple[int, ...]:
        """What the kernels take beside the parameters; a single sample has its own, faster."""
        return (self.acts_on,) if self.batch == 1 else (self.acts_on, self.pool, self.batch)

    @property
    def needs_every_length(self) -> bool:
        """Whether a step depends on the length of each of several samples."""
        return self.batch > 1 and self.acts_on == NORM and self.pool == EACH

    def kernels(self, name: str | Path) -> ModuleType:
        """The compiled module of `kernels/<name>.py`, or of its batched form, with this rule.

        A family of its own gives the path of its loop instead of a name.
        """
        if isinstance(name, Path):
            return load(self.source, name)
        form = name if self.batch == 1 else f"batched_{name}"
        return load(self.source, _KERNELS / f"{form}.py")


def lower(method: Any) -> Lowered:
    """Print the rule and the rate of `method` with symbols for its numbers.

    A new rate or threshold therefore changes `parameters` and compiles nothing.
    """
    symbolic, parameters = twin(method, "method")
    rule, rate = rule_of(method, symbolic), sp.sympify(symbolic.rate)
    threshold = getattr(method, "threshold", None)
    running = isinstance(threshold, RunningQuantile)
    if running and method.acts_on != "norm":
        raise NotAvailable("threshold", threshold, "follows gradient norms; use ClippedSGD")
    source = printed(rule, rate, parameters, running)
    values = numbers(parameters, {"method": method})
    return Lowered(source, values, ACTS_ON[method.acts_on], POOLS[method.pool], method.batch)


@lru_cache(maxsize=256)
def printed(rule: Any, rate: Any, parameters: tuple[Parameter, ...], running: bool) -> str:
    """Printing takes as long as some ten thousand steps of a run, so that it is kept."""
    printer = SourcePrinter(tuple(q.symbol for q in parameters), {})
    functions = [
        printer.function("rate", "t, p", rate),
        printer.function("rule", "ell, t, p", rule),
        *_adaptation(parameters, printer, running),
    ]
    return "\n\n".join([*printer.functions, *functions])


def _adaptation(
    parameters: tuple[Parameter, ...], printer: SourcePrinter, running: bool
) -> tuple[str, ...]:
    """What an observed norm does to the parameters: it moves a running threshold, or nothing."""
    if not running:
        return (_ADAPT.format("pass"),)
    symbols = {q.field: q.symbol for q in parameters}
    level, fraction, gain = (symbols[f"threshold.{f}"] for f in ("start", "fraction", "gain"))
    after = updated(level, sp.Symbol("n", nonnegative=True), dimension, fraction, gain)
    moved = f"{printer.doprint(level)} = moved(n, d, p)"
    return printer.function("moved", "n, d, p", after), _ADAPT.format(moved)
