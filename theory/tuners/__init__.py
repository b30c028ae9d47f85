"""Step-size tuners on the smallest losses whose sharpness moves: a toy, and two curvatures."""
