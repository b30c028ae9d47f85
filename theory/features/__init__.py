"""Streams whose inputs are random features of other inputs."""
