"""Alignment of features: the matrix flow, its closed form, and early times."""
