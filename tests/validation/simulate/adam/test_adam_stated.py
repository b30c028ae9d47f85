"""The compiled step of Adam is the stated one, which an error of 1e-6 in it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from limitlab.theory.adam.algorithm import adam_step
from limitlab.theory.methods import Adam
from limitlab.validation.simulate.adam.simulate import AdamEngine, lower_adam

D, STEPS, BETAS = 6, 20, (0.9, 0.95)


def compiled(start, rows, scales, noise):
    """(m, v, δ) after the steps of the kernel."""
    lowered, (m, v, delta) = lower_adam(Adam(0.4, *BETAS)), start.copy()
    states = np.full((2, D), np.nan)
    lowered.kernels(AdamEngine.template).advance(
        delta,
        m,
        v,
        scales,
        rows,
        noise[:, None],
        0,
        float(D),
        np.array(BETAS),
        True,
        np.array([0, STEPS]),
        states,
        lowered.parameters,
    )
    return np.array([m, v, delta])


def stated(step, start, rows, scales, noise):
    """The same by code generated from the map."""
    after = sp.lambdify([*step.states, *step.numbers], step.after, "math")
    state = start.copy()
    for row, eps in zip(rows, noise, strict=True):
        x = scales * row.astype(float)
        ell = x @ state[2] - eps
        state = np.array(
            [after(*one, *BETAS, 0.4 / D, ell, xi) for one, xi in zip(state.T, x, strict=True)]
        ).T
    return state


def sampled():
    rng = np.random.default_rng(8)
    start = rng.standard_normal((3, D))
    # a coordinate that sees nothing and remembers nothing does not move
    start[:2, 0] = 0
    start[1] = np.abs(start[1])
    rows = rng.standard_normal((STEPS, D)).astype(np.float32)
    rows[:, 0] = 0
    return start, rows, rng.uniform(0.5, 2, D), rng.standard_normal(STEPS)


@pytest.mark.interpreted
@pytest.mark.parametrize("planted", [None, 0, 1, 2])
def test_the_kernel_takes_the_stated_step(planted):
    given, step = sampled(), adam_step()
    after = [f * (1 + 1e-6) if k == planted else f for k, f in enumerate(step.after)]
    found = stated(replace(step, after=tuple(after)), *given)
    gap = np.max(np.abs(found - compiled(*given)))
    assert gap < 1e-12 if planted is None else gap > 1e-8
