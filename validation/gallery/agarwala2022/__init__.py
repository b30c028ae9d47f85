"""Figures on second-order regression (model of arXiv 2210.04860)."""
