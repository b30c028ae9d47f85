"""Gradient descent itself on networks whose gradient flow is known to its end."""
