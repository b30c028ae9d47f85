"""A model linear in its parameters on finite data."""
