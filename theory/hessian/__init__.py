"""One unit that learns one unit: both parts of the Hessian in two order parameters.

## Units

Step size rate, time in steps; the flow runs in rate · steps. Q = |w|², R = w·w* and T = |w*|².

## Assumptions

- Standard normal inputs, one unit that learns one unit with the same activation; fresh samples in
  every batch.
- A step of the whole population is exact at every dimension; batches of b ∝ d and weight noise
  take d to be large.
- `"flow"` takes the rate to be small.
- `"fluctuations"` of SGD is of first order in 1/b: one run is normal about the map, with the
  covariance of a step carried along; the error that it announces for the mean is of the same
  order. It fails where a run has nearly aligned.
"""
