"""The curve with its band, the runs beside it, and the phase plane of the two-eigenvalue model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from .export import quantity
from .work import Answer

THEORY, RUNS = "#0072B2", "#D55E00"
_EMPTY: dict[str, list[float]] = {"time": [], "value": [], "low": [], "high": []}


class Picture:
    """Figures of Bokeh over three sources: ``theory``, ``runs`` and ``plane``."""

    def __init__(self) -> None:
        from bokeh.models import ColumnDataSource

        self.theory = ColumnDataSource(dict(_EMPTY), name="theory")
        self.runs = ColumnDataSource(dict(_EMPTY), name="runs")
        self.plane = ColumnDataSource({"z": [], "T": []}, name="plane")
        self._log, self._linear = (self._curve(scale) for scale in ("log", "linear"))
        self._phase = self._phase_plane()
        self.parts = [self._log, self._linear, self._phase]
        # an axis of logarithms has nothing to stand on before there is a curve
        self._log.visible = self._linear.visible = self._phase.visible = False

    def _curve(self, scale: str) -> Any:
        from bokeh.plotting import figure

        plot = figure(
            name=f"curve_{scale}",
            height=430,
            sizing_mode="stretch_width",
            y_axis_type=scale,
            tools="pan,box_zoom,wheel_zoom,reset,hover",
            tooltips=[("time", "@time{0.000}"), ("value", "@value{0.0000}")],
            toolbar_location="above",
        )
        plot.toolbar.logo = None
        for source, colour, name in ((self.theory, THEORY, "theory"), (self.runs, RUNS, "runs")):
            plot.varea("time", "low", "high", source=source, color=colour, alpha=0.15)
            dash = "solid" if name == "theory" else "dashed"
            plot.line(
                "time",
                "value",
                source=source,
                color=colour,
                width=2,
                line_dash=dash,
                legend_label=name,
            )
        plot.legend.location = "top_right"
        plot.legend.background_fill_alpha = 0.6
        return plot

    def _phase_plane(self) -> Any:
        from bokeh.models import Span
        from bokeh.plotting import figure

        plot = figure(
            name="phase_plane",
            height=380,
            sizing_mode="stretch_width",
            x_axis_label="residual z",
            y_axis_label="T = rate · sharpness",
            tools="pan,box_zoom,wheel_zoom,reset",
            toolbar_location="above",
        )
        plot.toolbar.logo = None
        plot.line("z", "T", source=self.plane, color=THEORY, alpha=0.35)
        plot.scatter("z", "T", source=self.plane, color=THEORY, size=4)
        plot.add_layout(Span(location=2.0, dimension="width", line_dash="dashed"))
        return plot

    def draw(self, shown: Answer) -> None:
        """Draw a theory; runs of another one go."""
        curve, name = shown.curve, quantity(shown.curve)
        self.theory.data = _columns(curve, name)
        self.runs.data = dict(_EMPTY)
        values = curve[name][np.isfinite(curve[name])]
        logarithmic = values.size > 0 and bool(np.all(values > 0))
        self._log.visible, self._linear.visible = logarithmic, not logarithmic
        unit = curve.provenance.get("time")
        clock = "time t = steps/d" if unit is None else {"steps": "step"}.get(unit, unit)
        for plot in (self._log, self._linear):
            plot.xaxis.axis_label, plot.yaxis.axis_label = clock, name
            plot.title.text = curve.label
        self._phase.visible = {"z", "T"} <= curve.values.keys()
        if self._phase.visible:
            self.plane.data = {"z": curve["z"], "T": curve["T"]}

    def beside(self, runs: Curve, name: str) -> None:
        """Draw the runs."""
        self.runs.data = _columns(runs, name)


def _columns(curve: Curve, name: str) -> dict[str, Any]:
    """Time, value and band; without a spread the band has no width."""
    values = curve[name]
    low = high = values
    if name in curve.spread and np.all(np.isfinite(curve.spread[name])):
        low, high = curve.quantile(name, 0.05), curve.quantile(name, 0.95)
        if np.all(values[np.isfinite(values)] > 0):
            low = np.maximum(low, 1e-3 * np.nanmin(values))  # a logarithm ends above zero
    return {"time": curve.time, "value": values, "low": low, "high": high}
