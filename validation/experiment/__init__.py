"""Experiment files: read, carried out, written."""
