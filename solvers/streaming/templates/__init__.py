"""Loops that are compiled together with a system's generated coefficients, one file a lowering."""
