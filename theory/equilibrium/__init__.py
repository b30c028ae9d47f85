"""Deep equilibrium networks at initialisation: random fixed points."""
