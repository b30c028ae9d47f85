"""Runs of methods with memory on a stream."""
