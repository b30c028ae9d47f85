"""Deep equilibrium networks at initialisation: random fixed points.

## Units

σ² = N Var(W_ij) and σ_x are pure numbers; time counts iterations of the layer.

## Assumptions

- A network at initialisation: a random matrix of one of the families named, inputs that are
  independent of it, and N large.
- The fixed point and the way to it are told by one site with a memory; with symmetry or damping
  the site is averaged over paths.
- The letters of other work may scale σ otherwise for symmetric matrices.
"""
