"""Second-order regression itself, at finite D and P."""
