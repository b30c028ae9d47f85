"""Shares in words."""

from __future__ import annotations

import math

import numpy as np


def percent(x: float) -> str:
    """A share in percent with two digits: .0017 → "0.17 %", 1.1 → "110 %"."""
    if not math.isfinite(x):
        return "unknown"
    hundredfold = float(f"{100 * x:.2g}")
    if 1e-4 <= abs(hundredfold) < 1e5 or hundredfold == 0:
        return f"{np.format_float_positional(hundredfold, trim='-')} %"
    return f"{hundredfold:.2g} %"
