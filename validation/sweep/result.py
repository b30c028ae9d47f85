"""Sweep: the Dataset of a sweep, with the questions that one asks of a plane."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray

from ...solvers.core import storage
from ...theory.core.errors import InvalidInput
from .cells import DIVERGED, MISSING, OK

FORMAT = "limitlab sweep 1"


class Sweep(xarray.Dataset):
    """An xarray Dataset: a dimension for every field that was varied, and ``time``.

    Variables are the quantities of the theory (``risk``, ``loss``, …), ``risk_spread`` where the
    limit has a band, ``announced_error``, of runs ``risk_runs`` and ``risk_runs_spread``, and of
    each cell ``status`` and ``reason``. Everything that xarray does with a Dataset it does with
    this one.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(100), ll.NoNoise())
    >>> plane = ll.sweep(problem, ll.SGD(0.5), {"rate": [0.5, 1.0]}, until=1, points=2)
    >>> plane["risk"].dims, plane.best("risk", over=("rate",))["rate"].item()
    (('rate', 'time'), 1.0)
    """

    __slots__ = ()

    @property
    def complete(self) -> bool:
        """Whether every cell has been answered."""
        return bool(self.attrs.get("complete", 0))

    @property
    def provenance(self) -> dict[str, Any]:
        """How it was made."""
        return dict(json.loads(self.attrs.get("provenance", "{}")))

    @property
    def axes(self) -> tuple[str, ...]:
        """The dimensions that were varied."""
        return tuple(str(name) for name in self["status"].dims)

    def at(self, quantity: str, time: float | None = None) -> xarray.DataArray:
        """Return a quantity at one time (default: the last), of the cells that are ok.

        Raises
        ------
        InvalidInput
            A quantity that it does not have.
        """
        if quantity not in self.data_vars or "time" not in self[quantity].dims:
            known = [str(n) for n in self.data_vars if "time" in self[n].dims]
            raise InvalidInput("quantity", quantity, f"has {', '.join(known)}")
        every = self[quantity]
        values = every.isel(time=-1) if time is None else every.interp(time=float(time))
        return values.where(self["status"] == OK)

    def best(
        self,
        quantity: str = "risk",
        over: str | Sequence[str] | None = None,
        *,
        time: float | None = None,
        largest: bool = False,
    ) -> xarray.Dataset:
        """Return the lowest value of a quantity over some dimensions, and where it is.

        Parameters
        ----------
        quantity : str
        over : str or tuple of str, optional
            Dimensions that are chosen from; by default all. The others stay.
        time : float, optional
            Default: the last time.
        largest : bool
            Look for the largest value instead.

        Returns
        -------
        xarray.Dataset
            The value under the quantity's name, and under the name of each dimension the
            coordinate there; NaN and "" where no cell is ok.

        Raises
        ------
        InvalidInput
            A quantity or a dimension that it does not have.
        """
        names = self.axes if over is None else (over,) if isinstance(over, str) else tuple(over)
        for name in names:
            if name not in self.axes:
                raise InvalidInput("over", name, f"give some of {', '.join(self.axes)}")
        values = self.at(quantity, time).stack(_cell=names)
        signed = -values if largest else values
        found = signed.fillna(np.inf).argmin("_cell")
        empty = values.isnull().all("_cell")
        place = values["_cell"].isel(_cell=found)
        answer = {quantity: values.isel(_cell=found).drop_vars(["_cell", *names], errors="ignore")}
        for name in names:
            where = place[name].drop_vars(["_cell", *names], errors="ignore")
            where = xarray.DataArray(where.values, dims=found.dims)
            nothing = np.nan if where.dtype.kind == "f" else ""
            answer[name] = where.where(~empty, nothing)
        return xarray.Dataset(answer)

    def statuses(self) -> dict[str, int]:
        """Return how many cells have which status."""
        names, counts = np.unique(self["status"].values, return_counts=True)
        return {str(n): int(c) for n, c in zip(names, counts, strict=True)}

    def diverged(self) -> xarray.DataArray:
        """Return which cells have run away."""
        return self["status"] == DIVERGED

    def missing(self) -> xarray.DataArray:
        """Return which cells have not been answered."""
        return self["status"] == MISSING

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as netCDF-4 under a checksum, whole or not at all; `limitlab.load` reads it."""
        storage.save_dataset(self, path)


def opened(data: xarray.Dataset) -> Sweep:
    """Return the Dataset of a file that `save` wrote as a sweep."""
    kept = {k: v for k, v in data.attrs.items() if k != "checksum"}
    return Sweep(dict(data.data_vars), coords=data.coords, attrs=kept)
