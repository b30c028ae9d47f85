"""The report of an experiment in plain text: every comparison with its numbers."""

from __future__ import annotations

from collections import Counter

from ...theory.core.problem import Problem
from ...theory.core.version import VERSION
from ...theory.streaming.problem import LeastSquares
from .carry_out import Result
from .read import Experiment


def report(experiment: Experiment, results: list[Result]) -> str:
    """Return the text of report.txt."""
    run = experiment.run
    lines = [
        f"{experiment.name}: {verdict(results)}",
        f"limitlab {VERSION}; until t = {run.until:g}, {run.runs} runs, seed {run.seed}",
    ]
    for case in experiment.cases:
        lines += ["", case.label, "-" * len(case.label), *_facts(case.problem), *case.notes]
        for result in results:
            if result.case is case:
                lines += ["", str(result.method), *_comparison(result)]
    return "\n".join(lines) + "\n"


def verdict(results: list[Result]) -> str:
    """Return one line: does the theory agree with the runs on Gaussian inputs?"""
    counts = Counter(each.agreement.verdict for each in results)
    passed = counts.pop("agrees", 0)
    others = "".join(f", {number} {name}" for name, number in sorted(counts.items()))
    return f"theory and simulation agree in {passed} of {len(results)} comparisons{others}"


def _facts(problem: Problem) -> list[str]:
    if not isinstance(problem, LeastSquares):
        return [" ".join(repr(problem).split())[:200]]
    covariance = problem.covariance
    return [
        f"dimension {problem.dimension}, intrinsic dimension {covariance.intrinsic_dimension:.1f}, "
        f"noise {problem.noise.label}"
    ]


def _comparison(result: Result) -> list[str]:
    lines = [f"theory against simulation, {result.agreement}"]
    if result.on_rows is not None:
        lines.append(f"theory against real rows (reported, not judged), {result.finding}")
    return lines
