"""One implicit stage of dy_i/dt = −A(R, t) λ_i y_i + B(R, t) c_i, R = Σ y_i.

The modes meet only through R, so that a stage y_i = (base_i + γh B c_i)/(1 + γh A λ_i) is one
equation for one number, R, whatever m (derived here).
"""

from __future__ import annotations

# >>> provided by the generated module
from ...kernels.interface import pasted, scalar
from ...kernels.tabulated import scaled_coefficients
from ...stepping.kennedy_carpenter import GAMMA
from ...stepping.secant import settle

# <<< provided by the generated module


@scalar
def defect(risk, equation):
    """Fill `state` with the modes that the stage has if its risk were `risk`; return Σ state −
    risk, and A and B."""
    t, h, base, state, model = equation
    rates, sources, law, table, factors = model
    drift, noise = scaled_coefficients(risk, t, law, table, factors)
    total = 0.0
    for i in range(base.size):
        state[i] = (base[i] + GAMMA * h * noise * sources[i]) / (1.0 + GAMMA * h * drift * rates[i])
        total += state[i]
    return total - risk, (drift, noise)


@pasted
def solve_stage(guess, t, h, base, state, model):
    """Find the stage's risk and state; return it with A and B, NaN where it does not settle."""
    risk, found = settle(guess, (t, h, base, state, model))
    return risk, found[0], found[1]
