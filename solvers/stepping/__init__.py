"""Loops over steps: one for each kind of stepper."""
