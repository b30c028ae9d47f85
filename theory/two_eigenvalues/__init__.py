"""One example, two eigenvalues: the smallest model with an edge of stability.

## Units

Everything is in units of the rate: z stands for rate · z, and T = rate · sharpness, with the edge
at T = 2. Time in steps.

## Assumptions

- One example, and a curvature with the two eigenvalues 1 and −ε.
- `"map"` is exact. `"averaged"` takes ε to be small, so that T moves little in two steps; `"flow"`
  takes the rate to be small.
- The predicted end below the edge needs ε > 0 and E > −1.
"""
