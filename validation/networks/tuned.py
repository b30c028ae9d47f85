r"""The step of a tuner on a network: its rule, lowered once to functions of what it looks up.

.. math:: \eta=\eta(f,\ |g|^2,\ g^\top Hg,\ \lambda,\ \text{memory}),\qquad
          \text{or the first of}\ \eta_0 c^j\ \text{at which}\ \frac{f(\theta)-f(\theta-\eta g)}\eta
          \ \text{suffices}

Only what the rule has in it is looked up: the curvature along the gradient is one more gradient,
and the sharpness many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ...theory.core.loops import MOST_TRIALS, Shrink
from ...theory.core.numeric import numeric
from ...theory.methods.tuner import SEEN, Tuner, trial
from .mlp import MLP
from .probe import largest

Array = NDArray[np.float64]
Step = Callable[[int, Array, Array, tuple[float, ...]], tuple[float, Array, tuple[float, ...]]]

#: |∇L|² from which on there is nothing to descend
_TINY = 1e-280
_FALL = sp.Function("fall", real=True)
#: (f(w) − f(w − ηg))/η at the step that a line search tries
_FELL = sp.Symbol("fell", real=True)
#: what is known of a network's loss at a point: it is no polynomial along its gradient
_LOCAL = replace(SEEN, third=sp.nan, fourth=sp.nan, fall=_FALL)
_LOOKED_UP = (SEEN.loss, SEEN.square, SEEN.bend, SEEN.sharpness)


class _Rule:
    """The step and the memory after it, as functions of numbers."""

    def __init__(self, method: Tuner) -> None:
        kept = tuple(sp.Symbol(part.name, real=True) for part in method.memory)
        step, after = method.step(_LOCAL, kept)
        self.searches = isinstance(step, Shrink)
        self._seen = (*_LOOKED_UP, *kept)
        parts = tuple(map(sp.sympify, step.args[1:3] if self.searches else (step,)))
        self._step = [self._lowered(part) for part in parts]
        asked = step.args[3].xreplace({_FALL(trial): _FELL}) if self.searches else sp.true
        self._suffices = numeric((*self._seen, trial, _FELL), asked)
        # None: the step itself is what is kept
        self._after = [None if new == step else self._lowered(sp.sympify(new)) for new in after]
        forms = (*parts, asked, *(sp.sympify(new) for new in after if new != step))
        self.needs = set[Any]().union(*(form.free_symbols for form in forms))

    def _lowered(self, form: Any) -> Callable[..., Any]:
        return numeric(self._seen, form)

    def step(self, numbers: tuple[Any, ...], fall: Callable[[float], float]) -> float:
        """The step; 0 where a line search finds none."""
        eta = float(self._step[0](*numbers))
        if not self.searches:
            return eta
        factor = float(self._step[1](*numbers))
        for _ in range(MOST_TRIALS):
            if not 0.0 < eta < np.inf or self._suffices(*numbers, eta, fall(eta)):
                return eta
            eta *= factor
        return 0.0

    def after(self, numbers: tuple[Any, ...], eta: float) -> tuple[float, ...]:
        """What is kept."""
        return tuple(eta if new is None else float(new(*numbers)) for new in self._after)


def tuned(network: MLP, method: Tuner, batch: int) -> Step:
    """The step of a tuner from what it sees of the loss of a batch."""
    rule = _Rule(method)

    def step(t: int, theta: Array, mask: Array, memory: tuple[float, ...]) -> Any:
        g = network.gradient(theta, mask) / batch
        square = float(g @ g)
        if not square > _TINY:
            return 0.0, g, memory
        look = {
            SEEN.loss: lambda: network.batch_loss(theta, mask) / batch,
            SEEN.square: lambda: square,
            SEEN.bend: lambda: float(g @ network.curvature(theta, g, mask)) / batch,
            SEEN.sharpness: lambda: largest(network.linearisation(theta), 1)[0],
        }
        found = (look[s]() if s in rule.needs else np.nan for s in _LOOKED_UP)
        # numpy's numbers: where a branch that is not taken divides by 0 they do not raise
        numbers = tuple(np.float64(x) for x in (*found, *memory))
        here = network.batch_loss(theta, mask) / batch if rule.searches else np.nan

        def fall(eta: float) -> float:
            return (here - network.batch_loss(theta - eta * g, mask) / batch) / eta

        with np.errstate(all="ignore"):
            eta = rule.step(numbers, fall)
            return eta, g, rule.after(numbers, eta)

    return step
