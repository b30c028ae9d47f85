r"""solve for QuadraticNetwork: the matrix flow, the same a step at a time, and its closed form.

The equations are those of :mod:`limitlab.theory.feature_alignment.flow`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.core.checks import choice
from ...theory.core.errors import InvalidType, NotAvailable
from ...theory.core.time_grid import time_grid
from ...theory.core.warn import warn
from ...theory.feature_alignment.derive import check, derive
from ...theory.feature_alignment.problem import QuadraticNetwork
from ...theory.methods.base import Method
from ...theory.methods.sgd import SGD
from ...theory.methods.speed_limited import SpeedLimited
from ..core.curve import Curve
from ..core.limits import Limit, Limits, Option, own_options
from .announced import announced
from .correlations import CORRELATIONS
from .field import Field
from .observe import observed, provenance
from .roads import closed, descend, integrate

Array = NDArray[np.float64]

#: η d²/b above which the noise of SGD fills the bulk of the features
MOST_NOISE = 0.05


def solve(
    problem: QuadraticNetwork,
    method: Method,
    until: float | None = None,
    *,
    limit: str | None = None,
    times: Any = None,
    points: int = 101,
    system: Any = None,
    **options: Any,
) -> Curve:
    """Solve for a quadratic network from its own W₀ and a.

    Parameters
    ----------
    problem : QuadraticNetwork
    method : GradientDescent, SGD or SpeedLimited
    until : float, optional
        Last time, t = rate · steps; may be left out where `times` is given.
    limit : str, optional
        One of `LIMITS`; "flow", or "map" for SpeedLimited.
    times, points : array_like, int
        Output times, or how many equal ones from 0; for "map" they are rounded to whole steps.
    system : Derivation, optional
        Solved instead of the derived one.

    Returns
    -------
    Curve
        "loss", "alignment" (UC-NFC), "centred_alignment" (C-NFC; at t = 0 its limit),
        "displacement" = |W − W₀|/|W₀|, and the arrays "NFM" and "AGOP". "closed" has neither of
        the two that need W itself. The diagnostics announce how far the length of the steps moves
        "loss" from the flow, and for SGD what its noise does to it and to the correlations;
        SpeedLimited has
        ``provenance["state"]`` = "target reached" or "target not reached".

    Raises
    ------
    NotAvailable
        The closed form outside A = S = 1; a flow of SpeedLimited; a schedule or momentum.

    Warns
    -----
    ValidityWarning
        SGD with η d²/b > .05; a step that diverges.
    """
    check(problem, method)
    if limit is None:
        limit = "map" if isinstance(method, SpeedLimited) else "flow"
    own = own_options(LIMITS, limit, options)
    choice("correlation", own["correlation"], CORRELATIONS)
    if not isinstance(own["matrices"], bool):
        raise InvalidType("matrices", own["matrices"], "give True or False")
    if isinstance(method, SpeedLimited) and limit != "map":
        raise NotAvailable("limit", limit, 'a speed-limited descent never rests: it has "map"')
    derived = derive(problem, method, limit=limit) if system is None else system
    ask = Ask(problem, method, Field(problem, derived.functions), (until, times, points))
    path = LIMITS[limit].road(ask)
    values, arrays = observed(ask.field, path, own["correlation"], own["matrices"])
    remarks = list(path.remarks)
    if isinstance(method, SGD):
        noise = float(method.rate) * problem.dimension**2 / method.batch
        if noise > MOST_NOISE:
            remarks.append(
                f"η d²/b = {noise:.2g}: noise fills the bulk of the features; a batch of "
                f"{int(np.ceil(float(method.rate) * problem.dimension**2 / MOST_NOISE))} keeps it "
                f"at {MOST_NOISE:g}"
            )
    for remark in remarks:
        warn(remark)
    return Curve(
        path.time,
        values,
        diagnostics=announced(problem, method, path, limit),
        steps=np.rint(path.time / float(method.rate)).astype(np.int64),
        label=f"{method.label}, {limit}",
        arrays=arrays,
        provenance=provenance(problem, method, "solve")
        | {
            "limit": limit,
            "state": path.state,
            "correlation": own["correlation"],
            "finite_size_origin": "noise of the batches and length of the steps, computed",
            "remarks": remarks,
        },
    )


@dataclass(frozen=True, eq=False)
class Ask:
    """A checked call of `solve`."""

    problem: Any
    method: Any
    field: Field
    when: tuple[Any, Any, Any]

    @property
    def time(self) -> Array:
        """Output times."""
        return time_grid(*self.when)


_OPTIONS = {
    "correlation": Option("cosine", 'of the features: "cosine", or "pearson" (less the means)'),
    "matrices": Option(True, "keep NFM and AGOP at every time, (T, d, d)"),
}

LIMITS: Limits = {
    "flow": Limit(
        "gradient flow on the population", lambda ask: integrate(ask.field, ask.time), _OPTIONS
    ),
    "map": Limit(
        "descent on the population at this rate, exact",
        lambda ask: descend(ask.field, ask.method, ask.time),
        _OPTIONS,
    ),
    "closed": Limit(
        'the flow for readout="ones" and S = 1 in closed form; of WᵀW, not of W',
        lambda ask: closed(ask.field, ask.time),
        _OPTIONS,
    ),
}
