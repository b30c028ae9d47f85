"""No loop of compiled code can be kept alive by what is not a number."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import limitlab
from limitlab.solvers.core.compile import load
from limitlab.theory.core.loops import LoopPrinter, Shrink
from limitlab.theory.streaming.derive import derive

ROOT = Path(limitlab.__file__).parent
FOLDERS = ("kernels", "templates", "stepping")
FILES = sorted(
    path
    for room in ("solvers", "validation")
    for path in (ROOT / room).rglob("*.py")
    if path.parent.name in FOLDERS and path.name != "__init__.py"
)
#: whole numbers that every turn moves, or that a bound of the same loop counts
COUNTERS = {"filled", "step", "place", "high", "low"}


#: where text of loops is printed, and the loops in it
PRINTERS = ("printer", "program", "loops")
WHILE = re.compile(r"^(?:        self.emit\(f\")? *while (.+):", re.MULTILINE)


def endless(tree: ast.AST) -> list[int]:
    """Lines of the loops whose condition holds no counter."""
    loops = (node for node in ast.walk(tree) if isinstance(node, ast.While))
    return [
        loop.lineno
        for loop in loops
        if not COUNTERS & {n.id for n in ast.walk(loop.test) if isinstance(n, ast.Name)}
    ]


def test_every_while_counts():
    assert len(FILES) > 30
    found = {str(path): endless(ast.parse(path.read_text("utf-8"))) for path in FILES}
    assert not {name: lines for name, lines in found.items() if lines}
    assert endless(ast.parse("while True:\n    break")) == [1]  # negative control


#: conditions of the loops in text that is printed, and why each of them ends
PRINTED = {
    "left < last": "every panel has a width, see test_panels_tile_an_interval",
    "high - low > 1": "whole numbers that halve",
    "place < end": "the length of a program",
    "place < len(instructions)": "the same, in numpy",
}


def test_every_loop_that_is_printed_is_known():
    texts = [(ROOT / "theory/core" / f"{name}.py").read_text("utf-8") for name in PRINTERS]
    found = {condition for text in texts for condition in WHILE.findall(text)}
    assert found == set(PRINTED)


@pytest.mark.parametrize(("factor", "value"), [(0.5, 2.0), (1.0, 0.0), (2.0, math.inf)])
def test_a_search_that_does_not_shrink_ends(factor, value):
    """The largest start · factorʲ, or 0: also of a rule that never shrinks what it tries."""
    eta = sp.Symbol("eta")
    search = Shrink(eta, sp.Float(8.0), sp.Float(factor), sp.Le(eta, sp.Float(3.0)))
    printer = LoopPrinter()
    name = printer.doprint(search)
    text = "\n".join(["def tried():", *printer.lines, f"    return {name}"])
    space = {"math": math}
    exec(text, space)
    assert space["tried"]() == value


@pytest.mark.interpreted
@pytest.mark.parametrize("weight", [0.5, 1.0, math.nan])
def test_a_mixture_that_is_no_law_ends(weight):
    """Weights that do not sum to one, or are none, give a number or none: at once."""
    problem = limitlab.LeastSquares(limitlab.isotropic(100), limitlab.Cauchy(0.3))
    system = derive(problem, limitlab.SignSGD(0.4, batch=2), limit="fluctuations")
    module = load(system.source, "streaming/expectations")
    law = (np.full(8, 2.0), np.full(1, weight), np.zeros(1), np.ones(1))
    for mean in (module.norm_mean_inverse, module.norm_flux):
        for batch in (2.0, 3.0):
            value = mean(batch, 0.5, 0.0, *law)
            assert math.isfinite(value) or weight != 1.0
