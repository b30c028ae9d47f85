"""The real algorithm in dimension d, many runs of it."""

from .ensemble import simulate

__all__ = ["simulate"]
