"""Λ, Π and Σ at a time, and the slope of the moments: dY/dt = Λ Y + (A λ/2) Π Y + B c Σ."""

from __future__ import annotations

# >>> provided by the generated module
from ...kernels.interface import dynamics, loops, scalar

# <<< provided by the generated module


@scalar
def fill(t, p, matrices):
    """Fill Λ, Π and Σ."""
    own, pulled, pushed = matrices
    for a in range(pushed.size):
        pushed[a] = 0.0
        for b in range(pushed.size):
            own[a, b] = 0.0
            pulled[a, b] = 0.0
    dynamics(t, p, own, pulled, pushed)


@loops
def add_products(own, pulled, rates, state, out):
    """Add (own + pulled λ) Y, (moments, m)."""
    for a in range(own.shape[0]):
        for b in range(own.shape[0]):
            still, moving = own[a, b], pulled[a, b]
            if moving != 0.0:
                for i in range(rates.size):
                    out[a, i] += (still + moving * rates[i]) * state[b, i]
            elif still != 0.0:
                for i in range(rates.size):
                    out[a, i] += still * state[b, i]


@loops
def sourced(pushed, sources, noise, out):
    """Write B c Σ."""
    for a in range(pushed.size):
        strength = noise * pushed[a]
        for i in range(sources.size):
            out[a, i] = strength * sources[i]


@loops
def total(row):
    """Return the sum of a row."""
    value = 0.0
    for i in range(row.size):
        value += row[i]
    return value
