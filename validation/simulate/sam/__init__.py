"""SAM itself, in its parameters."""
