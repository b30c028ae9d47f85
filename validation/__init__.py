"""The finite algorithm, its comparison with the theory, figures, experiment files, real data."""
