"""Distance from the limit over dimensions: power laws, fitted and drawn."""
