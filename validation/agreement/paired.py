"""The difference of two methods that saw the same samples.

Of two curves from one `simulate([...], paired=True)`, run k of both was fed the same samples and
label noise. What these do to both methods alike cancels in the difference, so that its standard
error is sd(a_k - b_k)/sqrt(runs) and not sqrt(se_a^2 + se_b^2), which can be many times larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...solvers.core.curve import Curve
from ...theory.core.errors import InvalidInput, InvalidType

#: what two curves of one paired call have in common
_COMMON = ("problem", "engine", "seed", "runs")


def paired_difference(first: Curve, second: Curve, quantity: str = "risk") -> Curve:
    """First minus second, run by run, with the paired standard error of its mean.

    Parameters
    ----------
    first, second : Curve
        Of one ``simulate(problem, [...], paired=True)``.
    quantity : str

    Returns
    -------
    Curve
        Kind "simulation": ``curve[quantity]`` is the mean difference, ``curve.sem(quantity)``
        its paired standard error, ``curve.sample(quantity)`` the difference of every run.

    Raises
    ------
    InvalidInput
        Curves that did not see the same samples; they have independent errors, or errors that
        nobody knows.

    Notes
    -----
    The error is for the difference only. The two curves' own error bars are correlated and must
    not be read as independent ones.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.LeastSquares(ll.isotropic(200), ll.Gaussian(0.5))
    >>> pair = [ll.SGD(0.4), ll.SGD(0.5)]
    >>> one, other = ll.simulate(problem, pair, 0.02, points=2, runs=4, seed=1, paired=True)
    >>> ll.paired_difference(one, other).sample("risk").shape
    (4, 2)
    """
    for name, curve in (("first", first), ("second", second)):
        if not isinstance(curve, Curve):
            raise InvalidType(name, curve, "give a Curve from simulate([...], paired=True)")
        if "paired" not in curve.provenance:
            remedy = 'give curves of one simulate([...], paired=True); this one is not "paired"'
            raise InvalidInput(name, curve, remedy)
    _refuse_strangers(first, second)
    difference = first.sample(quantity) - second.sample(quantity)
    return Curve.from_runs(
        first.time,
        difference,
        quantity,
        axis=0,
        label=f"{first.label} − {second.label}",
        steps=first.steps,
        provenance=_provenance(first, second, quantity),
    )


def _refuse_strangers(first: Curve, second: Curve) -> None:
    a, b = first.provenance, second.provenance
    same = all(a.get(name) == b.get(name) for name in _COMMON)
    same = same and a["paired"]["methods"] == b["paired"]["methods"]
    if not same or not np.array_equal(first.time, second.time):
        raise InvalidInput("second", second, "comes from another call than the first curve")


def _provenance(first: Curve, second: Curve, quantity: str) -> dict[str, Any]:
    common = {name: first.provenance[name] for name in _COMMON}
    methods = [first.provenance["method"], second.provenance["method"]]
    return {"source": "paired_difference", "quantity": quantity, "methods": methods} | common
