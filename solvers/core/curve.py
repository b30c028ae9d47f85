"""Curve: an answer over time, the same type from theory and from experiment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...theory.core.checks import read_only, reals
from ...theory.core.errors import InvalidInput, NotAvailable
from . import picture, storage
from .later import Later
from .provenance import plain, same

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
_NAMED = ("values", "spread", "samples", "diagnostics", "arrays")


def _read_only(array: ArrayLike, field: str) -> Array:
    return read_only(reals(field, array))


@dataclass(frozen=True, eq=False, repr=False)
class Curve:
    """Quantities over time, with their spread over runs where there is one.

    Parameters
    ----------
    time : (T,) array
        Increasing; t = k/d for streaming problems.
    values : dict of (T,) arrays
        Theory: the predicted value; ensembles: the mean over runs.
    spread : dict of (T,) arrays
        Standard deviation of one run.
    samples : dict of (runs, T) arrays
        Each run.
    diagnostics : mapping of (T,) arrays
        What the solver says about itself: announced errors, sensitivities. Those that cost a
        solution of their own are computed when they are first read.
    steps : (T,) int array or None
        Step numbers.
    kind : {"theory", "simulation"}
    label : str
        Name for legends and reports.
    provenance : dict
        How it was made; JSON-able.
    modes : (T, m) array or None
        Energy of each mode, also as ``curve["modes"]``; they sum to the risk.
    mode_rates : (m,) array or None
        λ_i of the modes.
    arrays : dict of (T, …) arrays
        Quantities with axes of their own, such as a Jacobian; ``curve[name]`` too.

    Raises
    ------
    InvalidInput
        Times that do not increase, or arrays whose shape does not fit them.

    Examples
    --------
    >>> import limitlab as ll
    >>> curve = ll.Curve.from_runs([0.0, 1.0], [[1.0, 0.4], [1.0, 0.6]], axis=0)
    >>> curve.runs, float(curve.risk[1])
    (2, 0.5)
    """

    time: Array
    values: Mapping[str, Array]
    spread: Mapping[str, Array] = field(default_factory=dict)
    samples: Mapping[str, Array] = field(default_factory=dict)
    diagnostics: Mapping[str, Array] = field(default_factory=dict)
    steps: NDArray[np.int64] | None = None
    kind: str = "theory"
    label: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    modes: Array | None = None
    mode_rates: Array | None = None
    arrays: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        time = _read_only(self.time, "time")
        if (
            time.ndim != 1
            or time.size == 0
            or not np.all(np.isfinite(time))
            or np.any(np.diff(time) <= 0)
        ):
            raise InvalidInput("time", time, "give increasing finite times, one dimension")
        object.__setattr__(self, "time", time)
        for group in _NAMED:
            given = getattr(self, group)
            if isinstance(given, Later):
                self._check_shapes(group, given.there())
                continue
            arrays = {
                str(name): _read_only(array, f"{group}[{name!r}]") for name, array in given.items()
            }
            object.__setattr__(self, group, arrays)
            self._check_shapes(group, arrays)
        if self.kind not in ("theory", "simulation"):
            raise InvalidInput("kind", self.kind, 'give "theory" or "simulation"')
        if self.steps is not None:
            object.__setattr__(self, "steps", np.array(self.steps, dtype=np.int64))
        object.__setattr__(self, "label", str(self.label))
        object.__setattr__(self, "provenance", plain(self.provenance))
        self._take_modes()

    def _take_modes(self) -> None:
        if self.modes is None and self.mode_rates is None:
            return
        energies = _read_only(() if self.modes is None else self.modes, "modes")
        rates = _read_only(() if self.mode_rates is None else self.mode_rates, "mode_rates")
        if energies.shape != (self.time.size, rates.size) or rates.ndim != 1:
            remedy = f"give {self.time.size} times × the number of mode_rates, and both of them"
            raise InvalidInput("modes.shape", energies.shape, remedy)
        object.__setattr__(self, "modes", energies)
        object.__setattr__(self, "mode_rates", rates)

    def _check_shapes(self, group: str, arrays: dict[str, Array]) -> None:
        dimensions = 2 if group == "samples" else 1
        for name, array in arrays.items():
            if group == "arrays":
                if array.ndim < 2 or len(array) != self.time.size:
                    remedy = f"give 2 axes or more, the first one for the {self.time.size} times"
                    raise InvalidInput(f"{group}[{name!r}].shape", array.shape, remedy)
                continue
            if array.ndim != dimensions or array.shape[-1] != self.time.size:
                remedy = f"give {dimensions} axes, the last one for the {self.time.size} times"
                raise InvalidInput(f"{group}[{name!r}].shape", array.shape, remedy)

    @classmethod
    def from_runs(
        cls,
        time: ArrayLike,
        values: ArrayLike,
        quantity: str = "risk",
        *,
        axis: int | None = None,
        label: str = "runs",
        **fields: Any,
    ) -> Curve:
        """Return the curve of a user's own runs, from any framework.

        Parameters
        ----------
        time : (T,) array
        values : (runs, T) array
            One row a run.
        quantity : str
            Name under which they are compared.
        axis : {0, 1}, optional
            Axis of `values` that counts the runs: 0 for one row a run, 1 for one column a run.
            Where there are as many runs as times the shape does not tell, and it must be given.

        Raises
        ------
        InvalidInput
            Values that are not finite; a shape that does not fit the times; as many runs as times
            without `axis`.
        InvalidType
            Values that are not real numbers.
        """
        times = reals("time", time)
        runs = _one_row_a_run(np.atleast_2d(reals("values", values)), times.size, axis)
        spread = {quantity: runs.std(axis=0, ddof=1)} if len(runs) > 1 else {}
        fields = {"kind": "simulation", "provenance": {"source": "from_runs"}, **fields}
        return cls(
            times,
            {quantity: runs.mean(axis=0)},
            spread,
            {quantity: runs},
            label=label,
            **fields,
        )

    def __getitem__(self, name: str) -> Array:
        """Return the values of a quantity, or the (time, mode) array of ``"modes"``."""
        if name == "modes" and self.modes is not None:
            return self.modes
        return self.arrays[name] if name in self.arrays else self._find("values", name)

    def __getattr__(self, name: str) -> Array:
        values = self.__dict__.get("values", {})
        if name in values:
            return values[name]
        raise AttributeError(
            f"this curve has no {name!r}; it has {', '.join(values) or 'no values'}"
        )

    def __repr__(self) -> str:
        runs = f", runs={self.runs}" if self.runs else ""
        names = ", ".join(self.values)
        times = f"{self.time.size} times to {self.time[-1]:g}"
        return f"<Curve {self.label!r} {self.kind}: {names}; {times}{runs}>"

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same numbers, to the bit, under the same names."""
        if not isinstance(other, Curve):
            return NotImplemented
        return all(same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        return hash((self.kind, self.label, self.time.tobytes()))

    def _find(self, group: str, name: str) -> Array:
        found = getattr(self, group)
        if name not in found:
            has = ", ".join(found) or "none"
            why = self.provenance.get("refused", {}).get(name)
            raise NotAvailable("quantity", name, why or f"this curve's {group} hold: {has}")
        return found[name]

    @property
    def runs(self) -> int:
        """Return the number of runs or paths behind the curve; 0 for a deterministic one."""
        return next((len(array) for array in self.samples.values()), 0)

    def std(self, name: str = "risk") -> Array:
        """Return the standard deviation of one run at each time."""
        return self._find("spread", name)

    def sem(self, name: str = "risk") -> Array:
        """Return the standard error of the mean over the runs."""
        return self.std(name) / np.sqrt(len(self.sample(name)))

    def sample(self, name: str = "risk") -> Array:
        """Return each run, one row a run."""
        return self._find("samples", name)

    def quantile(self, name: str, level: float) -> Array:
        """Return a quantile of one run at each time: of the runs, or of the normal law with the
        curve's spread."""
        if not 0 < level < 1:
            raise InvalidInput("level", level, "give a number between 0 and 1")
        if name in self.samples:
            return np.quantile(self.samples[name], level, axis=0)
        from scipy.special import ndtri

        return self[name] + ndtri(level) * self.std(name)

    def plot(
        self,
        ax: Axes | None = None,
        quantity: str | None = None,
        *,
        label: str | None = None,
        color: Any = None,
        band: float | None = 0.9,
        log: bool | None = None,
        **line: Any,
    ) -> Axes:
        """Draw the curve, with the band of single runs where it has a spread.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Drawn on as they are, without labels or scales being set; by default those of a new
            figure, ``curve.plot().figure``, which touches nothing global.
        quantity : str, optional
            Default: the risk, the loss, or the first quantity.
        label : str, optional
            For a legend; default: the curve's own.
        color : any colour of matplotlib, optional
        band : float or None
            Share of single runs inside the shaded band; None draws none.
        log : bool, optional
            Logarithmic vertical axis; by default on new axes where all values are positive.
        **line
            As for ``Axes.plot``.

        Returns
        -------
        matplotlib Axes

        Raises
        ------
        NotAvailable
            A quantity that the curve does not have.
        InvalidInput, InvalidType
            A band outside (0, 1); no axes of matplotlib.
        """
        return picture.plot(self, ax, quantity, label, color, band, log, line)

    def to_dataframe(self, samples: bool = False) -> pandas.DataFrame:
        """Return the curve as a DataFrame of pandas, which must be installed.

        Parameters
        ----------
        samples : bool
            False: a row a time, with the values and, as ``<name>_std``, the spread of one run.
            True: a row a run and time.

        Raises
        ------
        NotAvailable
            pandas is not installed; single runs of a curve that keeps none.
        """
        return picture.dataframe(self, samples)

    def _repr_html_(self) -> str:
        return picture.html(self)

    def _repr_latex_(self) -> str:
        return picture.latex(self)

    def to_xarray(self) -> xarray.Dataset:
        """Return the curve as an xarray Dataset (dimensions time, run, mode)."""
        return storage.to_dataset(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the curve as netCDF-4, whole or not at all.

        Parameters
        ----------
        path : path
            Ending in .nc (or .nc4, .h5, .hdf5, or in nothing); `load` gives an equal curve back.

        Raises
        ------
        InvalidInput
            The ending of another format; a folder that cannot be written.
        """
        storage.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Curve:
        """Read a curve that `save` wrote; a damaged file is refused."""
        return cls(**storage.read(path))


def _one_row_a_run(values: Array, times: int, axis: int | None) -> Array:
    """Return runs × times, transposed where the runs are the columns."""
    if axis not in (None, 0, 1):
        raise InvalidInput("axis", axis, "give 0 for one row a run, or 1 for one column a run")
    if values.ndim != 2 or not np.all(np.isfinite(values)):
        remedy = "give finite numbers, one row a run and one column a time"
        raise InvalidInput("values", values, remedy)
    rows, columns = values.shape
    if axis is None and rows == columns == times > 1:
        remedy = "as many runs as times: give axis=0 for one row a run, or axis=1 for one column"
        raise InvalidInput("values.shape", values.shape, remedy)
    if axis == 1:
        values = values.T
    if values.shape[1] != times:
        turned = f" (runs, {times}); transpose them, or give axis={0 if axis else 1}"
        known = turned if values.shape[0] == times else f" (runs, {times})"
        raise InvalidInput("values.shape", (rows, columns), f"give one row a run,{known}")
    return values


load = Curve.load
