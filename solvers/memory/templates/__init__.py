"""Loops of streams with memory, compiled after a system's generated source."""
