"""Finite data at the edge of stability: linear, quadratic and two-eigenvalue models."""
