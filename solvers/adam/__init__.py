"""Adam's conjectured limits: means over a stationary stream, and states that remember."""
