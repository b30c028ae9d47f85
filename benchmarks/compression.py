"""The error that 12 and 24 nodes a measure leave in the risk, whatever integrates them."""

from __future__ import annotations

from collections.abc import Iterator

import limitlab as ll
from limitlab.solvers.streaming import compress, ode

from .clipping import Case
from .ode import coefficients_of, error_of, spectrum_of
from .report import Row, Table, at_most

#: travelled η λ_max T → the power of λ in which 24 nodes are exact, as `solve` ends up with
POWERS = {"clipped SGD": {5: 1.0, 50: 1.0, 500: 0.5}, "signSGD": {5: 1.0, 50: 1.0, 500: 0.25}}


def tables(quick: bool) -> Iterator[Table]:
    """One table."""
    rows = []
    for label, method in (("clipped SGD", Case.method), ("signSGD", ll.SignSGD(0.5))):
        for travelled in (5, 50, 500):
            case = Case(10_000, horizon=travelled / method.rate, method=method)
            whole = spectrum_of(case)
            numbers = coefficients_of(case)
            exact = ode.integrate(numbers, whole, case.times, 1e-12)
            bins = compress.bin_spectrum(whole)
            for nodes, power in ((12, 1.0), (24, POWERS[label][travelled])):
                small = compress.compress(bins, nodes, power)
                error = error_of(ode.integrate(numbers, small, case.times, 1e-12), exact)
                goal = at_most(1e-10, "") if nodes == 24 else None
                name = f"{label}, η λ_max T = {travelled}, {nodes} nodes, exact in λ^{power:g}"
                rows.append(Row(name, error, goal=goal))
    caption = "Relative error of the risk against all 10⁴ modes, both at a tolerance of 1e-12."
    yield Table("Compression", "error", rows, caption=caption)
