"""Theory and runs on one figure, in one style."""
