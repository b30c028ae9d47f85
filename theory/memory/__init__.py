"""Streams with memory: momentum, averages and weight decay, one linear system per mode."""
