"""What every simulation needs: many runs at once."""
