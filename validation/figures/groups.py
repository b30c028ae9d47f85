"""Which curves of an overlay belong to one method, and which runs are held against which theory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...theory.core.errors import InvalidInput

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

Groups = dict[str, list[Any]]
#: (method, rank of the ensemble, theory, runs)
Pairs = list[tuple[str, int, Any, Any]]


def by_method(curves: Sequence[Curve], labels: Sequence[str] | None) -> Groups:
    """Return curves by method, in the order given."""
    if labels is not None and len(labels) != len(curves):
        raise InvalidInput("labels", labels, f"give one label for each of the {len(curves)} curves")
    if labels is not None:
        groups: Groups = {}
        for name, curve in zip(labels, curves, strict=True):
            groups.setdefault(name, []).append(curve)
        return groups
    keyed: Groups = {}
    for curve in curves:
        keyed.setdefault(str(curve.provenance.get("method") or curve.label), []).append(curve)
    return _adopt(_named(keyed))


def _named(keyed: Groups) -> Groups:
    """Groups under their short names, or in full where two methods share a short name."""
    short = [method_name(group[0]) for group in keyed.values()]
    return {
        name if short.count(name) == 1 else key: group
        for name, (key, group) in zip(short, keyed.items(), strict=True)
    }


def method_name(curve: Curve) -> str:
    """Name of a curve's method for the legend: its label up to the first comma."""
    return curve.label.split(",")[0] or "runs"


def _adopt(groups: Groups) -> Groups:
    """A user's own runs beside a single method belong to it."""
    foreign = [n for n, g in groups.items() if g[0].provenance.get("source") == "from_runs"]
    own = [n for n in groups if n not in foreign]
    if len(own) != 1 or len(foreign) != 1:
        return groups
    return {own[0]: groups[own[0]] + groups[foreign[0]]}


def split(group: list[Any]) -> tuple[list[Any], list[Any]]:
    """Return the theories and the ensembles of a method."""
    theories = [curve for curve in group if curve.kind == "theory"]
    return theories, [curve for curve in group if curve.kind != "theory"]


def pairs_of(groups: Groups, quantity: str) -> Pairs:
    """Return every ensemble that has a theory to be held against."""
    pairs: Pairs = []
    for name, group in groups.items():
        theories, ensembles = split(group)
        for rank, runs in enumerate(ensembles):
            if theories and runs.runs > 1 and quantity in runs.samples:
                pairs.append((name, rank, theories[0], runs))
    return pairs
