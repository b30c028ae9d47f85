"""Runs with memory: those of a stream, with several states a coordinate."""

from __future__ import annotations

from ..streaming.simulate import simulate

__all__ = ["simulate"]
