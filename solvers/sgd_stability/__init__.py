"""Second moments of SGD at an interpolating minimum: followed, and where they stop to shrink."""
