"""Itô's formula: what a diffusion does to a function of its state."""

from __future__ import annotations

from typing import Any

import sympy as sp


def ito(function: Any, state: Any, drift: Any, covariance: Any) -> Any:
    """Return the generator of du = drift dt + σ dW, σσᵀ = covariance, on ``function`` of u.

    `state` is a symbol, or several with a list of drifts and a matrix of covariances.
    """
    u, b = sp.flatten([state]), sp.flatten([drift])
    a = sp.Matrix(len(u), len(u), sp.flatten([covariance]))
    slope = [sp.diff(function, x) for x in u]
    bend = sp.Matrix(len(u), len(u), lambda i, j: sp.diff(slope[i], u[j]))
    return sum(x * y for x, y in zip(slope, b, strict=True)) + (a * bend).trace() / 2
