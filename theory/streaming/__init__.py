"""Streaming least squares: a rule and a noise law, and the limit they give."""
