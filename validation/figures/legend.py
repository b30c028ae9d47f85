"""What the colours, lines and markers of an overlay are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

if TYPE_CHECKING:
    from ...solvers.core.curve import Curve

#: markers of the first, second, ... ensemble of one method
MARKERS = "os^Dv"
#: dashes of the first, second, ... theory of one method
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
#: line style of the finite-size error that a theory announces
ANNOUNCED = (0, (1, 1))
#: what limits and corrections are called
LIMITS = {
    "ode": "ODE",
    "volterra": "Volterra",
    "sde": "SDE mean",
    "fluctuations": "linear noise",
    "split": "split ODE",
    "exact": "exact mean",
}
GREY = "0.35"


#: what kinds of curves are called, here and in the gallery
BAND = "band of one run, {}–{} %"
MEAN = "simulation, {} ± 2 s.e."


def entries(
    parts: Mapping[str, tuple[list[Curve], list[Curve]]],
    colours: Mapping[str, Any],
    band: float | None,
) -> list[Any]:
    """Return legend handles: one a method by colour, then one a kind of curve in grey.

    Parameters
    ----------
    parts : mapping of name to (theories, ensembles)
        Of each method.
    colours : mapping of name to colour
    band : float or None
        Share of the runs that is shaded, where any are.
    """
    split = list(parts.values())
    handles: list[Any] = [Line2D([], [], color=colours[name], lw=3, label=name) for name in parts]
    for rank in range(max(len(theories) for theories, _ in split)):
        names = dict.fromkeys(kind(t[rank]) for t, _ in split if len(t) > rank)
        line = LINES[rank % len(LINES)]
        handles.append(Line2D([], [], color=GREY, ls=line, label="/".join(names)))
    for rank in range(max(len(ensembles) for _, ensembles in split)):
        names = dict.fromkeys(kind(e[rank]) for _, e in split if len(e) > rank)
        handles.append(
            Line2D(
                [],
                [],
                color=GREY,
                ls="",
                marker=MARKERS[rank % len(MARKERS)],
                mfc="white",
                mew=0.8,
                label=MEAN.format("/".join(names)),
            )
        )
    if band is not None:
        tail = 50 * (1 - band)
        name = BAND.format(f"{tail:g}", f"{100 - tail:g}")
        handles.append(Patch(color=GREY, alpha=0.3, lw=0, label=name))
    if any("finite_size" in t.diagnostics for theories, runs in split if runs for t in theories):
        handles.append(Line2D([], [], color=GREY, ls=ANNOUNCED, lw=1, label="announced error"))
    return handles


def kind(curve: Curve) -> str:
    """Return what a line or marker is."""
    limit = curve.provenance.get("correction") or curve.provenance.get("limit")
    if curve.kind == "theory":
        published = "published " if curve.provenance.get("diffusion") == "published" else ""
        return f"theory ({published}{LIMITS.get(limit, limit)})" if limit else "theory"
    rows = " (real rows)" if curve.provenance.get("engine") == "rows" else ""
    return f"mean of {curve.runs} runs{rows}{_divergence(curve)}"


def _divergence(curve: Curve) -> str:
    """How many runs ran away, and when the first did; from there on no mean is drawn."""
    lost = curve.provenance.get("diverged")
    if not lost:
        return ""
    return f", {len(lost)} diverged from step {min(lost.values())}"
