"""From a method's symbolic rule to the compiled step of the finite-dimensional algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

from ....solvers.core.compile import load, text_of
from ....theory.core.errors import InvalidInput, NotAvailable
from ....theory.core.printer import SourcePrinter
from ....theory.core.symbolic import Parameter, numbers, twin
from ....theory.core.symbols import dimension, residual, t
from ....theory.schedules.running_quantile import RunningQuantile, updated
from ....theory.streaming.derive import rule_of

_KERNELS = Path(__file__).parent / "kernels"
_ACTS_ON = {"residual": 0, "norm": 1, "coordinate": 2}
NORM, COORDINATE = _ACTS_ON["norm"], _ACTS_ON["coordinate"]
#: where the rule acts in a batch: on every sample's gradient, on their mean, on both in turn
EACH, MEAN, BOTH = 0, 1, 2
_CLIPS = {"per-sample": EACH, "mean": MEAN}
_AGGREGATES = {"mean-of-signs": EACH, "sign-of-mean": MEAN, "majority-vote": BOTH}
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
        if self.batch == 1:
            return load(self.source, _KERNELS / f"{name}.py")
        shared = text_of(_KERNELS / "batches.py")
        return load(f"{self.source}\n\n{shared}", _KERNELS / f"batched_{name}.py")


@lru_cache(maxsize=256)
def lower(method: Any) -> Lowered:
    """Print the rule and the rate of `method` with symbols for its numbers.

    A new rate or threshold therefore changes `parameters` and compiles nothing. Printing takes as
    long as some ten thousand steps of a run, so that what was printed is kept.
    """
    symbolic, parameters = twin(method, "method")
    printer = SourcePrinter(tuple(q.symbol for q in parameters), {})
    functions = [
        printer.function("rate", "t, p", sp.sympify(symbolic.rate)),
        printer.function("rule", "ell, t, p", rule_of(method, symbolic)),
        *_adaptation(method, parameters, printer),
    ]
    values = numbers(parameters, {"method": method})
    source = "\n\n".join([*printer.functions, *functions])
    return Lowered(source, values, _ACTS_ON[method.acts_on], pool_of(method), method.batch)


def _adaptation(
    method: Any, parameters: tuple[Parameter, ...], printer: SourcePrinter
) -> tuple[str, ...]:
    """What an observed norm does to the parameters: it moves a running threshold, or nothing."""
    threshold = getattr(method, "threshold", None)
    if not isinstance(threshold, RunningQuantile):
        return (_ADAPT.format("pass"),)
    if method.acts_on != "norm":
        raise NotAvailable("threshold", threshold, "follows gradient norms; use ClippedSGD")
    symbols = {q.field: q.symbol for q in parameters}
    level, fraction, gain = (symbols[f"threshold.{f}"] for f in ("start", "fraction", "gain"))
    after = updated(level, sp.Symbol("n", nonnegative=True), dimension, fraction, gain)
    moved = f"{printer.doprint(level)} = moved(n, d, p)"
    return printer.function("moved", "n, d, p", after), _ADAPT.format(moved)


def pool_of(method: Any) -> int:
    """Where the rule of `method` acts in a batch; its own rule on each sample if it does not say.

    Raises
    ------
    InvalidInput
        A rule on the norm that does not say of what.
    """
    if method.acts_on == "coordinate":
        return _AGGREGATES[getattr(method, "aggregate", "mean-of-signs")]
    if method.acts_on == "residual" or method.batch == 1:
        return EACH
    clip = getattr(method, "clip", None)
    if clip not in _CLIPS:
        remedy = f'a rule on the norm of a batch needs a field clip: {" or ".join(_CLIPS)}'
        raise InvalidInput("clip", clip, remedy)
    return _CLIPS[clip]


@lru_cache(maxsize=256)
def grows(method: Any) -> bool:
    """Whether the rule is unbounded, so that the tails of the noise enter the step."""
    if method.acts_on == "coordinate":
        return False
    rule = sp.sympify(method.rule(residual)).subs(t, 0)
    near, far = (abs(float(rule.subs(residual, x))) for x in (1e6, 1e12))
    return far > 10 * near
