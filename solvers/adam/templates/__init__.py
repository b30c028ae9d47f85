"""Loops of Adam's limits, compiled together with generated code."""
