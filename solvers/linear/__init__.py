"""Solutions of the finite-data models: moment maps, closures, kernel norms, dynamical systems."""
