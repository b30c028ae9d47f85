"""Optimisers as they are run: schedules, private steps, power-law features, numbers from curves."""
