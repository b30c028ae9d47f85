"""What to choose: rates, thresholds, schedules, and what the sign does."""
