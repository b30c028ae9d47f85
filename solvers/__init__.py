"""Compiled solutions of what the theory prints."""
