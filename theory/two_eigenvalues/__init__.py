"""One example, two eigenvalues: the smallest model with an edge of stability."""
