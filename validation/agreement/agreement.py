"""The answer of a comparison: a verdict, its level, and how much it could have seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...solvers.core.picture import need_pandas
from ...theory.core import show
from ...theory.core.by_content import ByContent
from ...theory.core.percent import percent

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Agreement(ByContent, show.Tabled):
    """Theory against runs at T times.

    Attributes
    ----------
    passed : bool or None
        True: agrees; False: disagrees; None: this ensemble cannot tell.
    verdict : str
        ``"agrees"``, ``"disagrees"``, ``"undecided"``, ``"quantiles"`` or, for real rows, which are
        reported and never judged, ``"finding"``.
    reason : str
        Why, in one sentence.
    quantity : str
    times : (T,) array
        Times compared; t = 0 is left out.
    theory, mean, sem : (T,) arrays
        Theory at these times, mean of the runs, standard error of the difference.
    allowed : (T,) array
        Relative error that is allowed at each time.
    allowed_origin : str
        Where it comes from.
    z, p_values : (T,) arrays
        Difference in standard errors; p-values after Holm's correction.
    detectable_drift, detectable_noise : float
        Smallest relative errors of the drift and of the noise coefficient that this ensemble
        rejects with 99 % probability.
    level : float
        Probability of a false alarm over all times.
    runs : int
    labels : (str, str)
        Of the two curves, theory first.
    deciding_runs : int or None
        About how many runs would see errors of 5 %; None where the allowed error hides these.
    quantiles : dict of float to (T,) array
        Quantiles of single runs where single runs are known.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> theory = ll.Curve([0.0, 1.0], {"risk": [1.0, 0.5]})
    >>> runs = np.random.default_rng(0).normal([1.0, 0.4], 0.01, (50, 2))
    >>> report = ll.compare(theory, ll.Curve.from_runs([0.0, 1.0], runs), margin=0.01)
    >>> report.verdict, report.passed, report.to_dataframe().shape[0]
    ('disagrees', False, 1)
    """

    passed: bool | None
    verdict: str
    reason: str
    quantity: str
    times: np.ndarray
    theory: np.ndarray
    mean: np.ndarray
    sem: np.ndarray
    allowed: np.ndarray
    allowed_origin: str
    z: np.ndarray
    p_values: np.ndarray
    detectable_drift: float
    detectable_noise: float
    level: float
    runs: int
    labels: tuple[str, str]
    deciding_runs: int | None
    quantiles: dict[float, np.ndarray]

    @property
    def relative(self) -> np.ndarray:
        """(mean − theory)/|theory| at each time."""
        return (self.mean - self.theory) / np.abs(self.theory)

    @property
    def gap(self) -> float:
        """Largest |mean − theory|/|theory|."""
        return float(np.max(np.abs(self.relative)))

    @property
    def margin(self) -> float:
        """Largest allowed relative error."""
        return float(np.max(self.allowed))

    @property
    def max_z(self) -> float:
        """Largest |mean − theory| in standard errors, over the times at which there is spread."""
        spread = self.sem > 0
        return float(np.max(np.abs(self.z), where=spread | ~spread.any(), initial=0.0))

    @property
    def detectable(self) -> float:
        """The larger of the two detectable errors: everything above it would have been seen."""
        return max(self.detectable_drift, self.detectable_noise)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the comparison as a DataFrame of pandas, a row a time.

        Raises
        ------
        NotAvailable
            pandas is not installed.
        """
        pandas = need_pandas()
        names = ("theory", "mean", "sem", "relative", "allowed", "z", "p_values")
        columns = {name: getattr(self, name) for name in names}
        columns |= {f"q{level:g}": values for level, values in self.quantiles.items()}
        return pandas.DataFrame(columns, index=pandas.Index(self.times, name="time"))

    def _headed(self) -> tuple[str, str]:
        title = f"{self.quantity}: {self.verdict.upper()}"
        return title, f"{self.reason}; compared: {' | '.join(self.labels)}"

    def _tabled(self) -> tuple[list[str], list[list[str]]]:
        return _table(self)

    def __bool__(self) -> bool:
        return self.passed is True

    def __str__(self) -> str:
        body = _quantile_lines(self) if self.verdict == "quantiles" else _test_lines(self)
        head = f"{self.quantity}: {self.verdict.upper()} ({self.reason})"
        return "\n".join([head, f"  compared           {' | '.join(self.labels)}", *body])


def _table(a: Agreement) -> tuple[list[str], list[list[str]]]:
    """Theory and runs at a few times, the one with the largest gap among them."""
    rows = sorted({*show.some(a.times.size, 6).tolist(), int(np.argmax(np.abs(a.relative)))})
    if a.verdict == "quantiles":
        head = ["time", "theory", *(f"q{level:g}" for level in a.quantiles)]
        columns = [a.times, a.theory, *a.quantiles.values()]
        return head, [[f"{c[i]:.4g}" for c in columns] for i in rows]
    head = ["time", "theory", "mean of runs", "± (s.e.)", "gap", "allowed", "z"]
    return head, [
        [
            *(f"{c[i]:.4g}" for c in (a.times, a.theory, a.mean, a.sem)),
            percent(a.relative[i]),
            percent(a.allowed[i]),
            f"{a.z[i]:.2f}",
        ]
        for i in rows
    ]


def _test_lines(a: Agreement) -> list[str]:
    worst = int(np.argmax(np.abs(a.relative)))
    drift, noise = percent(a.detectable_drift), percent(a.detectable_noise)
    lines = [
        f"  runs               {a.runs}, at {a.times.size} times up to t = {a.times[-1]:.4g}",
        f"  largest gap        {percent(a.gap)} ± {percent(a.sem[worst] / abs(a.theory[worst]))}"
        f" (s.e.) at t = {a.times[worst]:.4g}",
    ]
    if a.verdict == "finding":
        return lines
    return [
        *lines,
        f"  largest z          {a.max_z:.2f}",
        f"  allowed error      up to {percent(a.margin)} ({a.allowed_origin})",
        f"  smallest p-value   {a.p_values.min():.2g} after Holm; level {a.level:g}",
        f"  detectable errors  drift {drift}, noise coefficient {noise} (99 % power)",
    ]


def _quantile_lines(a: Agreement) -> list[str]:
    if not a.quantiles:
        return ["  single runs are not known: no quantiles"]
    rows = np.unique(np.linspace(0, a.times.size - 1, 5).round().astype(int))
    names = "".join(f"{f'q{level:g}':>12}" for level in a.quantiles)
    lines = [f"  {a.runs} runs", f"  {'t':>8}{'theory':>12}{names}"]
    for i in rows:
        values = "".join(f"{q[i]:12.4g}" for q in a.quantiles.values())
        lines.append(f"  {a.times[i]:8.4g}{a.theory[i]:12.4g}{values}")
    return lines
