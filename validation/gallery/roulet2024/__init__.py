"""Figures on step-size tuners (arXiv 2407.06183)."""
