"""Gradient descent on the two-eigenvalue model itself."""
