"""The one adaptive loop: steps, their control, outputs, and how it ended.

A stepper is a tableau with its `CONTROL`, and three functions that the template defines over it:

    attempt(now, new, t, h, room, model)    fills `new`; not finite where there is no step
    error(now, new, h, room, model)         the largest relative error of that step
    between(now, new, h, theta, room, model, out, place)
                                            writes what is watched at t + θ h into a row of `out`

`now` and `new` are (state, watched), two vectors of which watched[0] is the risk; `room` is written
while stepping and begins with the slopes of the stages by rows, the last one being the first of the
next step; `model` is only read. The next step is h × 0.9 error^p last_error^q, p, q of `CONTROL`.

Two times that are neighbours as floats are a break: the solution steps onto the first, across to
the second in a step of no length, and on from there with the slopes of its own side.

A curve that has settled long before its last time leaves an explicit pair with steps that
stability alone limits. Where they and the risk have stopped moving and most of the way is
left, the loop gives up at once
as it would when its steps were spent, and an implicit pair goes the whole way in a few steps.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from ..kernels.interface import CONTROL, attempt, between, error, loops, pasted

# <<< provided by the generated module

#: how a solution ended
DONE, NOT_A_NUMBER, TOO_LARGE, UNDERFLOW, TOO_MANY_STEPS = 0, 1, 2, 3, 4
LARGEST_RISK = 1e290
SHRINK = 0.2
# a step this little longer than what is left lands there, so that none of rounding's size remains
SLACK = 1.0 + 1e-9
# steps between two looks at pace and risk, the growth of them that counts as none, and how
# many times the steps
# that are left it must need: a pace that grows like a power of t is still seen to grow by then
WINDOW, STILL, OUT_OF_REACH = 512, 1.1, 4.0
# two times that are no further apart than this, relative to them, are a break
NEIGHBOURS = 4e-16


@loops
def put(vector, out):
    """Copy a vector (an assignment of slices takes a second to compile)."""
    for i in range(vector.size):
        out[i] = vector[i]


@pasted
def next_step(h, taken, landing, ratio, last_ratio, span):
    """Return the next step, after one that was accepted or refused."""
    _, floor, power, memory, refused, growth, parts = CONTROL
    if ratio <= 1.0:
        least = h if landing else 0.0  # no shorter for having been cut to land
        grown = taken * min(growth, 0.9 * max(ratio, floor) ** power * last_ratio**memory)
        return min(max(least, grown), span / parts)
    if ratio > 1.0:
        return taken * max(SHRINK, 0.9 * ratio**refused)
    return taken * SHRINK  # not a number


@loops
def next_target(times, t, place):
    """Return the place of the next time behind `t` that is one of a break, or the last one."""
    last = times.size - 1
    while place < last:
        ahead = times[place + 1] - times[place] <= NEIGHBOURS * abs(times[place + 1])
        behind = place > 0 and times[place] - times[place - 1] <= NEIGHBOURS * abs(times[place])
        if times[place] > t and (ahead or behind):
            return place
        place += 1
    return last


@pasted
def adaptive(state, watched, times, h, room, model, rtol, most_steps, ends):
    """Solve on a grid of times from a first step `h`; room[0][0] holds the slope of the start.

    Parameters
    ----------
    state, watched : arrays
        The start; used up.
    times : (T,) array
        Increasing, the first one being the start; where the slopes bend or jump, a break.
    ends : array
        Takes, behind its first entry, the ends of accepted steps, as many as it has room for.

    Returns
    -------
    out : (T, watched) array
        Shorter where it stopped early.
    accepted : int
    report : tuple
        Status, number of steps, and the time, step and risk where it stopped.
    """
    lands, now = CONTROL[0], (state, watched)
    new, out = (np.empty(state.size), np.empty(watched.size)), np.empty((times.size, watched.size))
    t, span = times[0], times[-1] - times[0]
    steps, accepted, filled, last_ratio, start = 0, 0, 1, 1e-4, 0.0
    seen, seen_risk, last_pace = t, watched[0], 0.0
    stop = next_target(times, t, 0)
    for i in range(watched.size):
        out[0, i] = watched[i]
        start += watched[i]
    for i in range(room[0].shape[1]):
        start += room[0][0, i]
    status = DONE if math.isfinite(start) else NOT_A_NUMBER
    while status == DONE and filled < times.size:
        target = times[filled] if lands else times[stop]
        landing = t + h * SLACK >= target
        taken = target - t if landing else h
        steps += 1
        finite = math.isfinite(attempt(now, new, t, taken, room, model))
        # the error of a step that broke off would be read from stages of an earlier one
        ratio = error(now, new, taken, room, model) / rtol if finite else math.nan
        h = next_step(h, taken, landing, ratio, last_ratio, span)
        if ratio <= 1.0:
            reached = target if landing else t + taken
            while filled < times.size and times[filled] <= reached:
                theta = (times[filled] - t) / taken
                between(now, new, taken, theta, room, model, out, filled)
                filled += 1
            t = reached
            stop = next_target(times, t, stop)
            put(new[0], state)
            put(new[1], watched)
            put(room[0][-1], room[0][0])  # the last stage is the first of the next step
            last_ratio = max(ratio, 1e-4)
            accepted += 1
            if accepted < ends.size:
                ends[accepted] = t
            status = DONE if watched[0] <= LARGEST_RISK else TOO_LARGE
        if status == DONE and filled < times.size:
            if not h > 4e-16 * max(abs(t), 1e-3 * span):
                status = UNDERFLOW if finite else NOT_A_NUMBER
            elif steps >= most_steps:
                status = TOO_MANY_STEPS
            elif not lands and steps % WINDOW == 0:
                pace = (t - seen) / WINDOW
                reach = OUT_OF_REACH * pace * (most_steps - steps)
                settled = max(watched[0], seen_risk) <= STILL * min(watched[0], seen_risk)
                if settled and pace <= STILL * last_pace and times[-1] - t > reach:
                    status = TOO_MANY_STEPS
                seen, seen_risk, last_pace = t, watched[0], pace
    return out[:filled], accepted, (status, steps, t, h, watched[0])
