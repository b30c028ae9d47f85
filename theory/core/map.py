r"""Discrete maps: the states, what they are after one step, and what is observed of them.

.. math:: x_{t+1}=F(x_t;p),\qquad o_t=O(x_t;p).

A state is a number (a symbol) or an array (an ``IndexedBase`` with a shape). The same object is
printed as LaTeX and as the code that runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from .loops import LoopPrinter, Settled, Shrink, Update
from .printer import latex
from .system import Derived, Step, narrate, typeset


@dataclass(frozen=True)
class Map(Derived):
    """A discrete map, a `System`.

    Attributes
    ----------
    name : str
    states : tuple of Symbol or IndexedBase
        An array carries its shape, ``IndexedBase("J", shape=(D, P))``.
    after : tuple of expressions, or of Update
        Each state after a step, in terms of the states before it; for an array an `Update` of its
        elements.
    observe : tuple of (name, expression or IndexedBase)
        What is recorded before a step: numbers, and whole arrays.
    numbers : tuple of Symbol
        In the order of the array of numbers that compiled code takes.
    inputs : tuple of IndexedBase
        Arrays that are given and stay; ``step`` of :mod:`.loops` as their first index makes them
        change from step to step, as masks and schedules do.
    body : tuple of Update
        Intermediate quantities, in the order in which they are computed: numbers, and arrays with
        a shape.
    steps : tuple of Step
        The derivation.
    """

    name: str
    states: tuple[Any, ...]
    after: tuple[Any, ...]
    observe: tuple[tuple[str, Any], ...]
    numbers: tuple[Any, ...] = ()
    inputs: tuple[Any, ...] = ()
    body: tuple[Update, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def scalars(self) -> tuple[Any, ...]:
        """The states that are numbers."""
        return tuple(s for s in self.states if not isinstance(s, sp.IndexedBase))

    @property
    def arrays(self) -> tuple[Any, ...]:
        """The states that are arrays."""
        return tuple(s for s in self.states if isinstance(s, sp.IndexedBase))

    @property
    def work(self) -> tuple[Any, ...]:
        """Arrays that a step needs beside: the intermediate ones."""
        bases = (u.left.base for u in self.body if isinstance(u.left, sp.Indexed))
        return tuple(dict.fromkeys(bases))

    @property
    def observed(self) -> tuple[str, ...]:
        """Names of the observed numbers."""
        return tuple(name for name, form in self.observe if not isinstance(form, sp.IndexedBase))

    @property
    def kept(self) -> tuple[tuple[str, Any], ...]:
        """(name, array) of what is recorded whole."""
        return tuple((n, form) for n, form in self.observe if isinstance(form, sp.IndexedBase))

    def latex(self, environment: str | None = None) -> str:
        """Return the equations in LaTeX, one a line, or in an environment of amsmath."""
        updates = [Update(s, f) if isinstance(f, sp.Expr) else f for s, f in self._pairs()]
        lines = [(latex(left), right) for left, right in (u.equation for u in self.body)]
        lines += [(_next(left), right) for left, right in (u.equation for u in updates)]
        lines += [
            (rf"\mathrm{{{name}}}", latex(form))
            for name, form in self.observe
            if not isinstance(form, sp.IndexedBase) and form not in self.states
        ]
        return typeset(lines, environment)

    def explain(self) -> str:
        """Return the steps of the derivation."""
        return narrate(self.steps)

    @cached_property
    def source(self) -> str:
        """The generated code: ``advance``, ``observe`` and ``keep``."""
        return "\n".join([self._advance(), self._observe(), self._keep()])

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        return zip(self.states, self.after, strict=True)

    def _printer(self) -> LoopPrinter:
        """A printer that has unpacked states, arrays and sizes."""
        printer = LoopPrinter(self.numbers, "_p")
        arrays = [*self.arrays, *self.work, *self.inputs]
        names = [*map(str, arrays), *(f"{base}_after" for base in self.arrays)]
        if names:
            printer.emit(f"{', '.join(names)}, = _arrays")
        sizes = {
            size: f"{base}.shape[{axis}]"
            for base in reversed(arrays)
            for axis, size in enumerate(base.shape or ())
            if isinstance(size, sp.Symbol)
        }
        for size, text in sizes.items():
            printer.emit(f"{size} = {text}")
        for i, state in enumerate(self.scalars):
            printer.emit(f"{printer.doprint(state)} = _x[{i}]")
        return printer

    def _advance(self) -> str:
        printer = self._printer()
        _compute(printer, self.body)
        numbers = [form for state, form in self._pairs() if state in self.scalars]
        results = [printer.doprint(form) for form in _shared(printer, numbers, "_x")]
        for state, form in self._pairs():
            if state in self.arrays:
                printer.update(Update(_elsewhere(form.left), form.right, form.over))
        for i, text in enumerate(results):
            printer.emit(f"_x[{i}] = {text}")
        for base in self.arrays:
            printer.emit(f"{base}[...] = {base}_after")
        return _function("advance(t, _x, _p, _arrays)", printer)

    def _observe(self) -> str:
        printer = self._printer()
        forms = [form for _, form in self.observe if not isinstance(form, sp.IndexedBase)]
        _compute(printer, self._needed(forms))
        for i, form in enumerate(_shared(printer, forms, "_o")):
            text = printer.doprint(form)
            printer.emit(f"_seen[{i}] = {text}")
        return _function("observe(t, _x, _p, _arrays, _seen)", printer)

    def _needed(self, forms: Iterable[Any]) -> list[Update]:
        """The intermediate quantities that enter some forms, in their order."""
        wanted = set().union(*(form.free_symbols for form in forms))
        found = []
        for update in reversed(self.body):
            left = update.left.base if isinstance(update.left, sp.Indexed) else update.left
            if left in wanted or getattr(left, "label", None) in wanted:
                found.append(update)
                wanted |= update.right.free_symbols
        return found[::-1]

    def _keep(self) -> str:
        printer = self._printer()
        for i, (_, base) in enumerate(self.kept):
            printer.emit(f"_kept[{i}][_place] = {base}")
        printer.emit("return")
        return _function("keep(_place, _x, _p, _arrays, _kept)", printer)


def _compute(printer: LoopPrinter, updates: Iterable[Update]) -> None:
    """Write intermediate quantities; a number after what its form repeats."""
    for k, update in enumerate(updates):
        if isinstance(update.left, sp.Symbol) and not update.over:
            (reduced,) = _shared(printer, [update.right], f"_b{k}_")
            update = Update(update.left, reduced)
        printer.update(update)


def _shared(printer: LoopPrinter, forms: list[Any], prefix: str) -> list[Any]:
    """Write what some forms share, and return them in terms of it."""
    # what stands inside a sum has no value outside of it
    bound = set().union(*(_bound(form) for form in forms))
    replaced, reduced = sp.cse(forms, sp.numbered_symbols(prefix), order="none", ignore=bound)
    for name, form in replaced:
        printer.update(Update(name, form))
    return list(reduced)


def _bound(form: Any) -> set[Any]:
    """The indices over which a form sums or multiplies, and the symbols of its iterations."""
    indices = {index for each in form.atoms(sp.Sum, sp.Product) for index, *_ in each.limits}
    return indices | {each.args[0] for each in form.atoms(Settled, Shrink)}


def _next(left: Any) -> str:
    """LaTeX of a state after the step."""
    if isinstance(left, sp.Indexed):
        indices = ",".join(latex(i) for i in left.indices)
        base = latex(left.base.label)
        return rf"{{{base}}}^{{+}}_{{{indices}}}" if "_" in base else rf"{base}^{{+}}_{{{indices}}}"
    text = latex(left)
    return f"{{{text}}}^{{+}}" if "_" in text else f"{text}^{{+}}"


def _elsewhere(element: Any) -> Any:
    """The element of the buffer in which the array after the step is built."""
    return sp.IndexedBase(f"{element.base}_after")[element.indices]


def _function(signature: str, printer: LoopPrinter) -> str:
    return "\n".join(["@loops", f"def {signature}:", *printer.lines]) + "\n"
