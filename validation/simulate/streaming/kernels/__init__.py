"""Loops of the simulated algorithms, compiled together with a method's rule and rate."""
