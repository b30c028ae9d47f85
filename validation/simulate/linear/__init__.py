"""The finite-data models run as they are: many runs at once, one random stream each."""
