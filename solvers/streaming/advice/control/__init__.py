"""Optimal control of the limit: the best schedules for a horizon, and what clipping is worth."""
