"""Gradient clipping on streams: when it helps, and how to choose the threshold."""
