"""Gradient descent with a tuned step on the toy and on two curvatures, in their coordinates."""
