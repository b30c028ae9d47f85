"""Streams with memory solved: moments of every mode, their spread, and where they rest."""
