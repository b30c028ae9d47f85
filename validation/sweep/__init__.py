"""Sweeps: a plane of problems and methods, solved and simulated cell by cell."""
