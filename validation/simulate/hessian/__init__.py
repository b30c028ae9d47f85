"""One unit in d dimensions that learns another: the finite algorithm."""
