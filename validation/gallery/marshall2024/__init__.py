"""Figures on clipped SGD (model of arXiv 2406.11733)."""
