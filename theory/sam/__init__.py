"""Sharpness-aware minimisation on second-order regression, and on the two-eigenvalue model."""
