"""The mean of the moments of all modes, step by step."""

from __future__ import annotations

import numpy as np

# >>> provided by the generated module
from ...kernels.interface import MOMENTS, one_step, scalar

# <<< provided by the generated module


@scalar
def matrices_of(rates, t, d, p, own, from_risk, from_noise):
    """Fill the matrices of a step, (m, moments, moments) and (m, moments), at one time."""
    for i in range(rates.size):
        one_step(rates[i], t, d, p, own[i], from_risk[i], from_noise[i])


@scalar
def march(rates, sources, state, record, d, p, moves):
    """Walk every step; return the totals of the moments after `record` steps, (T, moments).

    Parameters
    ----------
    state : (moments, m) array
        At the start; it is used up.
    moves : bool
        Whether a step depends on time.
    """
    kinds, m = state.shape
    own, new = np.zeros((m, kinds, kinds)), np.empty(kinds)
    from_risk, from_noise = np.zeros((m, kinds)), np.zeros((m, kinds))
    out = np.empty((record.size, kinds))
    place, last = 0, record[record.size - 1]
    for k in range(last + 1):
        while place < record.size and record[place] == k:
            for a in range(kinds):
                out[place, a] = np.sum(state[a])
            place += 1
        if k == last:
            break
        if moves or k == 0:
            matrices_of(rates, k / d, d, p, own, from_risk, from_noise)
        risk = np.sum(state[0])
        for i in range(m):
            for a in range(kinds):
                new[a] = sources[i] * (from_risk[i, a] * risk + from_noise[i, a])
                for b in range(kinds):
                    new[a] += own[i, a, b] * state[b, i]
            for a in range(kinds):
                state[a, i] += new[a]
    return out


def warm_up():
    """Compile for the types in use: no step is taken."""
    one, record = np.ones(1), np.zeros(1, dtype=np.int64)
    march(one, one, np.ones((MOMENTS, 1)), record, 1.0, np.ones(64), False)
