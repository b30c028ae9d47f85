"""Streaming methods themselves, in dimension d."""
