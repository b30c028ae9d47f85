"""The loop of Adam's steps; compiled, never imported for its own sake."""
