"""Second-order regression on finite data."""
