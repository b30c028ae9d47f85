"""Hyper-parameters that change in time."""
