"""Step-size tuners: their maps followed, their averages integrated, and what is predicted."""
