"""Figures on sharpness-aware minimisation (model of arXiv 2302.08692)."""
