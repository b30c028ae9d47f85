"""Step-size tuners on the smallest losses whose sharpness moves: a toy, and two curvatures.

## Units

The step is what the method chooses, time in steps, and the edge is step · sharpness = 2.

## Assumptions

- The losses are the smallest ones on which a tuner can be evaluated exactly: a valley whose
  curvature moves with its position, and a quadratic with two curvatures.
- The sharpness of the valley moves by the step size times the drives; with `per_step=True` by the
  drives alone, which is a variant of the map and no descent.
- `"map"` is exact. `"averaged"` and `"slow"` take the curvature to move little in two steps.
"""
