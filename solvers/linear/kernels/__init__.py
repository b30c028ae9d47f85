"""Loops over the steps of finite-data models; compiled, never imported for their own sake."""
