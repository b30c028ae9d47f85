"""Small real networks, and the noise kernel norm read off them."""
