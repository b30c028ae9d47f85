"""No loop of compiled code can be kept alive by what is not a number."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest

import limitlab
from limitlab.solvers.core.compile import load
from limitlab.theory.streaming.derive import derive

ROOT = Path(limitlab.__file__).parent
FOLDERS = ("kernels", "templates")
FILES = sorted(
    path
    for room in ("solvers", "validation")
    for path in (ROOT / room).rglob("*.py")
    if path.parent.name in FOLDERS and path.name != "__init__.py"
)
#: whole numbers that every turn moves, or that a bound of the same loop counts
COUNTERS = {"filled", "step", "place", "high", "low"}


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


@pytest.mark.parametrize("name", sorted(p.stem for p in FILES if "filled <" in p.read_text()))
def test_steps_that_are_not_numbers_run_out(name):
    """A solver whose steps fail counts them, whatever they were."""
    (path,) = (p for p in FILES if p.stem == name)
    assert "most_steps" in path.read_text("utf-8")


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
