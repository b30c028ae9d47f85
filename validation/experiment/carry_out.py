"""Carry out an experiment: solve, simulate and compare every case with every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...solvers.core.curve import Curve
from ...solvers.solve import limits, solve
from ...theory.core.dispatch import options
from ...theory.core.warn import one_warning
from ...theory.methods import Method
from ..agreement.agreement import Agreement
from ..agreement.compare import compare
from ..simulate import simulate
from .read import Case, Experiment

SIMULATIONS = simulate.__module__.rpartition(".")[0]
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Result:
    """One case with one method.

    Attributes
    ----------
    case, method
        What was solved and simulated.
    theory : Curve
        The limit.
    others : dict of str to Curve
        Further limits that the file asked for, by name.
    runs : Curve
        The algorithm on Gaussian inputs (for real data: on their Gaussian surrogate).
    agreement : Agreement
        Theory against ``runs``; the only comparison that is judged.
    on_rows : Curve or None
        The algorithm on the real rows.
    """

    case: Case
    method: Method
    theory: Curve
    runs: Curve
    agreement: Agreement
    others: dict[str, Curve] = field(default_factory=dict)
    on_rows: Curve | None = None

    @property
    def name(self) -> str:
        return f"{self.method.label} on {self.case.label}"

    @cached_property
    def finding(self) -> Agreement:
        """Theory against the real rows: reported, never judged."""
        assert self.on_rows is not None
        return compare(self.theory, self.on_rows)


def conduct(experiment: Experiment, say: Say = lambda line: None) -> list[Result]:
    """Solve, simulate and compare; `say` hears one line before each long step.

    Warns
    -----
    ValidityWarning
        Once a case and method: what theory and simulation both remark on is said once.
    """
    results = []
    for case in experiment.cases:
        for method in experiment.methods:
            with one_warning():
                results.append(_one(experiment, case, method, say))
    return results


def _one(experiment: Experiment, case: Case, method: Method, say: Say) -> Result:
    run = experiment.run
    name = f"{method.label} on {case.label}"
    say(f"solving     {name}")
    theory = _solved(experiment, case, method)
    main = theory.provenance["limit"]
    others = {name: _solved(experiment, case, method, name) for name in run.limits if name != main}
    say(f"simulating  {name}: {run.runs} runs")
    known = options(SIMULATIONS, "simulate", case.problem, method)
    wanted = {"runs": run.runs, "seed": run.seed, "workers": run.workers}
    common: dict[str, Any] = dict(until=run.until, points=run.points)
    # an algorithm that draws nothing takes neither runs nor a seed
    common |= {key: value for key, value in wanted.items() if key in known}
    runs = simulate(case.problem, method, **common)
    on_rows = None
    if case.rows is not None:
        say(f"streaming   {name}: {run.runs} runs on the real rows")
        on_rows = simulate(case.problem, method, rows=case.rows, targets=case.targets, **common)
    agreement = compare(theory, runs, level=run.level)
    return Result(case, method, theory, runs, agreement, others, on_rows)


def _solved(experiment: Experiment, case: Case, method: Method, limit: str | None = None) -> Curve:
    """A limit, or the default one; an exact recursion of what every run draws has their draws."""
    run, problem = experiment.run, case.problem
    every = limits(problem, method)
    known = every[limit or next(iter(every))].options
    wanted: dict[str, Any] = {}
    if problem.drawn and "draws" in known:
        wanted = {"draws": run.runs, "seed": run.seed, "workers": run.workers}
    elif limit is not None:
        wanted = {"paths": run.paths, "seed": run.seed}
    ensemble = {key: value for key, value in wanted.items() if key in known}
    # which limit is the default one may be decided by the problem: any takes a seed
    named = {"seed": run.seed} if limit is None else {"limit": limit}
    return solve(problem, method, until=run.until, points=run.points, **{**named, **ensemble})


def agrees(results: list[Result]) -> bool:
    """Tell whether no comparison disagrees and at least one agrees.

    Too few runs (undecided), or noise for which standard errors mean nothing (quantiles), are
    neither; the report names them.
    """
    verdicts = [each.agreement.passed for each in results]
    return False not in verdicts and True in verdicts


def decided(results: list[Result]) -> bool:
    """Tell whether the comparisons answer the question: one disagrees, or none is undecided.

    An experiment of which every comparison stays at quantiles is undecided too.
    """
    verdicts = [each.agreement.verdict for each in results]
    return "disagrees" in verdicts or ("agrees" in verdicts and "undecided" not in verdicts)
