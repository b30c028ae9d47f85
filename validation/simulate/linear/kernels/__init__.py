"""Loops over the steps of runs; compiled, never imported for their own sake."""
