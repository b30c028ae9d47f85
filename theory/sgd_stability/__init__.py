"""Is a minimum that fits every example stable under SGD? Second moments, exactly."""
