"""Figures on signSGD (model of arXiv 2411.12135)."""
