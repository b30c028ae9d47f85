"""Streams with memory: momentum, averages and weight decay, one linear system per mode.

## Units

As on every stream: step size rate/d, time t = k/d. A memory is slow where it forgets over a number
of steps of order d; weight decay is measured in units of the step.

## Assumptions

- Those of streams: Gaussian inputs, every sample used once, a large intrinsic dimension.
- A memory that forgets within a few steps changes the rate and nothing else; one that lasts of the
  order of d steps is a state of every mode.
- `"exact"` is the mean of unclipped SGD at this d, and takes no limit.
"""
