"""Curves on disk: netCDF-4 through xarray, written atomically, every byte under a checksum.

The checksum attribute is written as zeros, the file is hashed, and the digest replaces the zeros in
place; a reader undoes that. So a flipped bit anywhere is found, and the file stays readable by any
netCDF tool.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...theory.core.errors import InvalidInput
from .cache import write_atomically

if TYPE_CHECKING:
    import xarray

FORMAT = "limitlab curve 1"
_PREFIX = b"sha256:"
_ZEROS = b"0" * 64
_GROUPS = {
    "values": "",
    "spread": "_spread",
    "samples": "_samples",
    "diagnostics": "_diagnostic",
    "arrays": "_array",
}
#: endings under which netCDF-4, which is HDF5, is looked for
SUFFIXES = ("", ".nc", ".nc4", ".h5", ".hdf5")
#: names of variables that hold no quantity
_RESERVED = ("time", "steps", "modes", "mode_rate", "run", "mode")
_MEANING = {
    "values": "value (theory) or mean over runs",
    "spread": "standard deviation of one run",
    "samples": "each run",
    "diagnostics": "solver diagnostic",
    "arrays": "with axes of its own",
}


def to_dataset(curve: Any) -> xarray.Dataset:
    """Return an xarray Dataset with dimensions time, run and mode; provenance in the attributes.

    Parameters
    ----------
    curve : Curve
    """
    import xarray

    variables: dict[str, Any] = {}
    for group, suffix in _GROUPS.items():
        for name, array in getattr(curve, group).items():
            dimensions = _dimensions(group, name, array.ndim)
            attributes = {
                "group": group,
                "quantity": name,
                "long_name": f"{name}: {_MEANING[group]}",
                "units": "1",
            }
            variables[_free_name(name + suffix, variables)] = (dimensions, array, attributes)
    if curve.steps is not None:
        variables["steps"] = ("time", curve.steps, {"group": "steps", "units": "optimiser steps"})
    attributes = {
        "format": FORMAT,
        "kind": curve.kind,
        "label": curve.label,
        "provenance": json.dumps(dict(curve.provenance), sort_keys=True),
    }
    time = ("time", curve.time, {"long_name": "time", "units": "steps / dimension"})
    coordinates: dict[str, Any] = {"time": time}
    if curve.modes is not None:
        meaning = {"group": "modes", "long_name": "energy of each mode", "units": "1"}
        variables["modes"] = (("time", "mode"), curve.modes, meaning)
        meaning = {"long_name": "decay rate λ of each mode", "units": "1"}
        coordinates["mode_rate"] = ("mode", curve.mode_rates, meaning)
    return xarray.Dataset(variables, coords=coordinates, attrs=attributes)


def _dimensions(group: str, name: str, axes: int) -> tuple[str, ...]:
    """Return the names of the axes of a variable."""
    if group == "samples":
        return ("run", "time")
    plain = re.sub(r"\W", "_", name)
    return ("time", *(f"{plain}_{k}" for k in range(1, axes)))


def _free_name(wanted: str, taken: Container[str]) -> str:
    """Return a name that netCDF takes and no other variable has; the attributes hold the real one.

    A slash would make a group of it.
    """
    plain = re.sub(r"[^\w.+-]", "_", wanted).strip("_. ") or "unnamed"
    name, number = plain, 2
    while name in taken or name in _RESERVED:
        name, number = f"{plain}_{number}", number + 1
    return name


def from_dataset(data: xarray.Dataset) -> dict[str, Any]:
    """Return the arguments of the Curve that a Dataset of `to_dataset` holds."""
    groups: dict[str, dict[str, Any]] = {group: {} for group in _GROUPS}
    for variable in data.data_vars.values():
        if variable.attrs["group"] in groups:
            groups[variable.attrs["group"]][variable.attrs["quantity"]] = variable.values
    steps = data["steps"].values if "steps" in data.data_vars else None
    has_modes = "mode_rate" in data.coords
    return {
        "time": data["time"].values,
        **groups,
        "steps": steps,
        "kind": str(data.attrs["kind"]),
        "label": str(data.attrs["label"]),
        "provenance": json.loads(data.attrs["provenance"]),
        "modes": data["modes"].values if has_modes else None,
        "mode_rates": data["mode_rate"].values if has_modes else None,
    }


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _netcdf_bytes(data: xarray.Dataset) -> bytes:
    data = data.assign_attrs(checksum=(_PREFIX + _ZEROS).decode())
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "curve.nc"
        data.to_netcdf(scratch, engine="h5netcdf", format="NETCDF4")
        return scratch.read_bytes()


def save(curve: Any, path: str | os.PathLike[str]) -> None:
    """Write a curve; an older file at `path` is replaced only by a complete new one.

    Parameters
    ----------
    curve : Curve
    path : path-like

    Raises
    ------
    InvalidInput
        The folder cannot be written, or the ending of another format.
    """
    _check_ending(path)
    save_dataset(to_dataset(curve), path)


def _check_ending(path: str | os.PathLike[str]) -> None:
    target = Path(path)
    # rate_0.5 has no ending but a number
    if target.suffix.lower() not in SUFFIXES and not target.suffix[1:].isdigit():
        remedy = (
            f"curves and sweeps are kept as netCDF-4, not as {target.suffix}: end it with .nc; a "
            "table is made by to_xarray().to_dataframe()"
        )
        raise InvalidInput("path", str(target), remedy)


def save_dataset(data: xarray.Dataset, path: str | os.PathLike[str]) -> None:
    """Write a Dataset under a checksum, as `save` does a curve.

    Raises
    ------
    InvalidInput
        As of `save`.
    """
    _check_ending(path)
    target = Path(path)
    try:
        content = _netcdf_bytes(data)
        sealed = content.replace(_PREFIX + _ZEROS, _PREFIX + _digest(content), 1)
        write_atomically(target, sealed)
    except OSError as error:
        raise InvalidInput(
            "path", str(target), f"cannot be written ({error.strerror}); nothing was changed"
        ) from error


def _is_whole(content: bytes) -> bool:
    start = content.find(_PREFIX) + len(_PREFIX)
    found = content[start : start + len(_ZEROS)]
    return _digest(content[:start] + _ZEROS + content[start + len(_ZEROS) :]) == found


def read_dataset(path: str | os.PathLike[str]) -> xarray.Dataset:
    """Return the Dataset in a file, loaded.

    Raises
    ------
    InvalidInput
        The file is missing, damaged, or none of limitlab's.
    """
    import xarray

    target = Path(path)
    if not target.is_file():
        raise InvalidInput("path", str(target), "no such file")
    if not _is_whole(target.read_bytes()):
        raise InvalidInput(
            "path",
            str(target),
            "damaged, or no curve or sweep of limitlab (its checksum does not fit)",
        )
    with xarray.open_dataset(target, engine="h5netcdf") as data:
        return data.load()


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arguments of the Curve in a file.

    Raises
    ------
    InvalidInput
        The file is missing, damaged, or not a curve.
    """
    data = read_dataset(path)
    if data.attrs.get("format") != FORMAT:
        raise InvalidInput("path", str(path), "holds no curve; limitlab.load reads what it holds")
    return from_dataset(data)
