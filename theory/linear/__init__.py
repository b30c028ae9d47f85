"""A model linear in its parameters on finite data.

## Units

Step size rate, with the prefactor rate/B of a batch of B; time in steps; loss |z|²/(2D). The edge
of stability is rate · sharpness = 2 with the sharpness λ_max(JJᵀ)/D. The ODE and the SDE run in
rate · steps.

## Assumptions

- The model is linear in its parameters, so that J does not move.
- `"exact"` follows all second moments and assumes nothing more; it needs the eigenvectors.
- `"closure"` and what is built on it drop the second moments between modes, and take the
  eigenvectors to be spread evenly over the examples.
- `"ode"` and `"sde"` take the rate to be small beside the edge.
"""
