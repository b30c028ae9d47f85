"""A curve on axes, as a page in a notebook, and as a table of pandas."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...theory.core import show
from ...theory.core.errors import InvalidInput, InvalidType, NotAvailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: a `Curve`, whose module imports this one
Curve = Any
#: quantities in a table, and points of a small plot
_MOST, _POINTS = 5, 400


def main(curve: Curve) -> str:
    """The quantity that stands for the curve: the risk, the loss, or the first one."""
    names = [name for name in ("risk", "loss", *curve.values) if name in curve.values]
    if not names:
        raise NotAvailable("quantity", None, "this curve has no values")
    return names[0]


def plot(
    curve: Curve,
    ax: Axes | None,
    quantity: str | None,
    label: str | None,
    color: Any,
    band: float | None,
    log: bool | None,
    options: dict[str, Any],
) -> Axes:
    """Draw a curve with its band on given axes, or on those of a new figure."""
    if band is not None and not 0 < band < 1:
        raise InvalidInput("band", band, "give the share of runs inside, between 0 and 1, or None")
    name = main(curve) if quantity is None else quantity
    values = curve[name]
    if values.ndim != 1:
        remedy = "has axes beside the time; plot its columns on axes of your own"
        raise InvalidInput("quantity", name, remedy)
    axes = _axes(ax)
    (line,) = axes.plot(
        curve.time,
        values,
        label=curve.label if label is None else label,
        **({} if color is None else {"color": color}),
        **options,
    )
    edges = None if band is None else _edges(curve, name, band)
    if edges is not None:
        axes.fill_between(curve.time, *edges, color=line.get_color(), alpha=0.18, lw=0)
    if ax is None:
        axes.set_xlabel(_clock(curve))
        axes.set_ylabel(name.replace("_", " "))
    finite = values[np.isfinite(values)]
    if (log is None and ax is None and finite.size and np.all(finite > 0)) or log:
        axes.set_yscale("log")
    return axes


def _axes(ax: Any) -> Any:
    if ax is None:
        from matplotlib.figure import Figure

        return Figure(figsize=(5.5, 3.3), layout="constrained").add_subplot()
    if not hasattr(ax, "fill_between"):
        raise InvalidType("ax", ax, "give axes of matplotlib, or leave it out")
    return ax


def _edges(curve: Curve, name: str, band: float) -> tuple[np.ndarray, np.ndarray] | None:
    """The band of single runs; None where the curve has no spread."""
    if name not in curve.spread and not (name in curve.samples and curve.runs > 1):
        return None
    return curve.quantile(name, (1 - band) / 2), curve.quantile(name, (1 + band) / 2)


def _clock(curve: Curve) -> str:
    """The unit of time, as the family states it."""
    unit = curve.provenance.get("time")
    return "time t = steps/d" if unit is None else {"steps": "step"}.get(unit, f"{unit} time")


# ---- a page ----


def html(curve: Curve) -> str:
    """A small plot beside the numbers."""
    kind = f"{curve.kind}, {curve.runs} runs" if curve.runs else curve.kind
    parts = [show.heading(curve.label or "curve", kind)]
    if curve.values:
        picture = f'<img alt="{main(curve)} against time" src="{_svg(curve)}">'
        parts += [picture, show.table_html(*numbers(curve))]
    made = [(key, show.words(value)) for key, value in curve.provenance.items()]
    return show.block(*parts, show.folded("how it was made", show.table_html(("", ""), made)))


def latex(curve: Curve) -> str:
    """The numbers as an array."""
    return show.table_latex(*numbers(curve))


def numbers(curve: Curve) -> tuple[list[str], list[list[str]]]:
    """A few times with the values there, and the spread of one run where there is one."""
    first = [main(curve)] if curve.values else []
    names = list(dict.fromkeys([*first, *curve.values]))[:_MOST]
    columns = {"time": curve.time}
    for name in names:
        columns[name] = curve[name]
        if name in curve.spread:
            columns[f"± ({name}, one run)"] = curve.spread[name]
    rows = show.some(curve.time.size, 6)
    return list(columns), [[f"{c[i]:.4g}" for c in columns.values()] for i in rows]


def _svg(curve: Curve) -> str:
    """The plot of the main quantity, as an address that holds it."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    thin = _thinned(curve)
    # the user's own settings do not reach a display, and text stays text
    with rc_context({"svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(3.6, 2.0), layout="constrained")
        axes = figure.add_subplot()
        plot(thin, axes, None, None, "#0072B2", 0.9, bool(np.all(thin[main(thin)] > 0)), {})
        axes.set_xlabel(_clock(curve))
        axes.set_ylabel(main(curve).replace("_", " "))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _thinned(curve: Curve) -> Curve:
    """What the small plot draws: one quantity, at no more points than it can show."""
    name, keep = main(curve), show.some(curve.time.size, _POINTS)
    values = np.where(np.isfinite(curve[name]), curve[name], np.nan)
    shown: Curve = replace(
        curve,
        time=curve.time[keep],
        values={name: values[keep]},
        spread={name: curve.spread[name][keep]} if name in curve.spread else {},
        samples={name: curve.samples[name][:, keep]} if name in curve.samples else {},
        **{field: None for field in ("steps", "modes", "mode_rates")},
        **{field: {} for field in ("diagnostics", "arrays")},
    )
    return shown


# ---- a table ----


def dataframe(curve: Curve, samples: bool) -> Any:
    """The curve as a DataFrame: a row a time, or a row a run and time."""
    pandas = need_pandas()
    if not samples:
        columns: dict[str, Any] = {} if curve.steps is None else {"step": curve.steps}
        columns |= dict(curve.values)
        columns |= {f"{name}_std": values for name, values in curve.spread.items()}
        return pandas.DataFrame(columns, index=pandas.Index(curve.time, name="time"))
    if not curve.samples:
        raise NotAvailable("samples", samples, "this curve keeps no single runs")
    index = pandas.MultiIndex.from_product(
        [range(curve.runs), curve.time.tolist()], names=["run", "time"]
    )
    return pandas.DataFrame({n: s.ravel() for n, s in curve.samples.items()}, index=index)


def need_pandas() -> Any:
    """The module pandas, which only tables need.

    Raises
    ------
    NotAvailable
        It is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        remedy = 'is not installed here: pip install pandas, or use "to_xarray" or "values"'
        raise NotAvailable("to_dataframe", "pandas", remedy) from error
    return pandas
