"""Adam on streaming least squares: a conjectured limit."""
