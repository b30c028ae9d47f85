"""Loops that are compiled together with generated code."""
