"""From an observed curve back to the numbers of a theory."""
