"""The real algorithm in dimension d, many runs of it."""

from .verb import simulate

__all__ = ["simulate"]
