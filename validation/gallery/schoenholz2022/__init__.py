"""Equilibrium networks at initialisation: models of arXiv 2207.09432, formulas of our own."""
