"""Adam itself, in dimension d."""
