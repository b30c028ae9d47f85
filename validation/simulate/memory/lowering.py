"""From a method with memory to the compiled step of the finite-dimensional algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sympy as sp

from ....theory.core.printer import SourcePrinter
from ....theory.core.symbolic import numbers, twin
from ....theory.memory.derive import check
from ....theory.memory.step import Memory, full_step, linear, memory_of, owners
from ....theory.streaming.rules import rule_of
from ..streaming.lowering import ACTS_ON, POOLS, Lowered, printed
from .chain import RememberingChain
from .samples import RememberingDense, RememberingRows
from .vector import RememberingVector

_PASTED = "njit(cache=CACHED, nogil=True, forceinline=True)"


@dataclass(frozen=True, eq=False)
class Remembering(Lowered):
    """What the kernels need of a method with memory.

    Attributes
    ----------
    states : tuple of str
        Names of the states of a coordinate; "delta" first.
    begins : float or None
        Time from which a uniform average counts.
    """

    states: tuple[str, ...] = ("delta",)  # type: ignore[misc]
    begins: float | None = None

    engines = (RememberingChain, RememberingVector, RememberingDense, RememberingRows)

    @property
    def obstacle(self) -> str | None:
        if self.batch > 1:
            return "a batch with memory is run on its samples"
        return super().obstacle

    @property
    def form(self) -> tuple[int, ...]:
        return (self.acts_on, self.pool, self.batch)

    @property
    def crowding(self) -> int:
        return super().crowding * len(self.states) ** 2

    def kernels(self, name: str | Path) -> Any:
        return super().kernels(Path(__file__).parent / "kernels" / f"{name}.py")


def lower(method: Any) -> Remembering:
    """Print rule, step and rate of a method with symbols for its numbers."""
    check(method)
    symbolic, own = twin(method, "method")
    kept = memory_of(method)
    parameters = tuple(dict.fromkeys((*own, *kept.parameters)))
    source = printed(rule_of(method, symbolic), sp.sympify(symbolic.rate), parameters, False)
    source += "\n\n" + _step(kept, parameters)
    values = numbers(parameters, owners(method))
    begins = method.average.start if kept.uniform else None
    return Remembering(
        source,
        values,
        ACTS_ON[method.acts_on],
        POOLS[method.pool],
        method.batch,
        tuple(str(s) for s in full_step(kept).states),
        begins,
    )


@lru_cache(maxsize=64)
def _step(kept: Memory, parameters: Any) -> str:
    """The step: its numbers at a time, and what it does to the states of a coordinate."""
    step = full_step(kept)
    plain = SourcePrinter(tuple(q.symbol for q in parameters), {})
    texts = [
        plain.function(f"{f.func.__name__}_of", "t, p", value) for f, value in kept.definitions
    ]
    names = [f.func.__name__ for f, _ in kept.definitions]
    printer = SourcePrinter(
        tuple(q.symbol for q in parameters), {name: f"{name}_now" for name in names}
    )
    forms, rows = _split(*linear(step), step.states)
    values = ", ".join(f"1.0 * ({printer.doprint(form)})" for form in forms)
    lines = [f"    {name}_now = {name}_of(t, p)" for name in names]
    count = len(step.states)
    places = range(count)
    averaged = [str(s) for s in step.states].index("S") if "S" in map(str, step.states) else 0
    texts += [
        f"STATES, AVERAGED = {count}, {averaged}\n",
        "\n".join(["@scalar", "def coefficients(t, d, p):", *lines, f"    return ({values},)"]),
        f"@{_PASTED}\ndef moved(c, old, g):\n    return ({', '.join(rows)},)",
        f"@{_PASTED}\ndef read_states(state, i):\n    return ("
        + ", ".join(f"state[{a}, i]" for a in places)
        + ",)",
        f"@{_PASTED}\ndef write_states(state, i, new):\n"
        + "\n".join(f"    state[{a}, i] = new[{a}]" for a in places),
    ]
    # functions that run programs of schedules may be there already: the first one counts
    known = [text for text in plain.functions if "def run_program" not in text]
    own = [*(plain.functions if kept.definitions else known), *texts]
    return "\n\n".join(own) + "\n"


def _split(P: Any, q: Any, states: Any) -> tuple[list[Any], list[str]]:
    """Return the coefficients of a step that are not 0 or 1, and its rows written with them."""
    forms: list[Any] = []
    rows = []
    for a in range(len(states)):
        terms = []
        for b, form in enumerate([*P.row(a), q[a]]):
            form = sp.factor(form)
            name = "g" if b == len(states) else f"old[{b}]"
            if form == 1:
                terms.append(name)
            elif form != 0:
                if form not in forms:
                    forms.append(form)
                terms.append(f"c[{forms.index(form)}] * {name}")
        rows.append(" + ".join(terms) or "0.0")
    return forms, rows
