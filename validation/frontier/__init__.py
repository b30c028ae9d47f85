"""What a given amount of compute buys."""
