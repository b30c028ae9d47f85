"""Streaming least squares: a rule and a noise law, and the limit they give.

## Units

Step size rate/d, time t = k/d, so that a unit of time is d steps, whatever the batch. R = ½ δᵀKδ
is the excess risk: the factor ½ is in it, the noise is not. A threshold c clips the gradient's
norm at c √tr K.

## Assumptions

- The inputs are Gaussian with covariance K; every sample is used once; the label noise is
  independent of the inputs.
- The intrinsic dimension tr K/λ_max is large: the error of the mean is of order its inverse, and
  is announced.
- A rule on the norm replaces ‖x‖²/tr K by 1; a rule on the coordinates takes the error vector to
  be spread over many of them (`correction="auto"` follows a localised start).
- Unclipped SGD needs noise with a variance. Its standard errors need a fourth moment.
"""
