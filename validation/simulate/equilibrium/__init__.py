"""Equilibrium networks of finite size, iterated to their fixed points."""
