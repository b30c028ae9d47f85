"""Sharpness-aware minimisation on second-order regression, and on the two-eigenvalue model.

## Units

Step size rate, radius ρ in front of the gradient of the loss |z|²/(2D), time in steps. A loss
|z|²/2 has rate/D and radius/D in their place.

## Assumptions

- Both gradients of a step see the same batch.
- The maps are exact. The edge, rate · s (1 + radius · s) = 2, is that of the linearisation at a
  minimum.
- The first step averaged over the curvature is exact for Gaussian curvature on all of the data;
  with batches it is taken to first order in the radius.
- The limiting SDE is of batches, weakly of first order in the rate and in the radius: its drift is
  the mean of a step over the batch, for the curvature of the path, its noise that of SGD. What the
  radius adds is off by about radius · |J_a|² of one example, which is told.
"""
