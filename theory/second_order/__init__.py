"""Second-order regression on finite data.

## Units

Step size rate, with the prefactor rate/B of a batch of B; time in steps; loss |z|²/(2D); sharpness
λ_max(JJᵀ)/D, with the edge at rate · sharpness = 2. The flow runs in rate/D · steps.

## Assumptions

- The curvature of every example is an independent symmetric Gaussian (GOE) matrix, which stays
  while the model is trained.
- `"fixed-data"`: P → ∞ with D fixed; the error is of order 1/P and is announced.
- `"proportional"`: D and P large at a fixed ratio, for the mean loss.
- `"flow"` takes the rate to be small.
"""
