"""SGD itself at an interpolating minimum."""
