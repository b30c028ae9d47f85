"""Compiled loops of methods with memory."""
