"""Equilibrium networks: static limit, edges, the critical scale, transients."""
