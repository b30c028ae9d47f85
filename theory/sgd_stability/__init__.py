"""Is a minimum that fits every example stable under SGD? Second moments, exactly.

## Units

Step size rate, with the prefactor rate/B of a batch of B; time in steps; loss wᵀHw/2 with H the
mean curvature.

## Assumptions

- The minimum fits every example, so that the noise of the batches vanishes there, and the loss
  around it is quadratic.
- The second moment is exact; it is the mean square that it follows, which single runs can stay far
  below.
"""
