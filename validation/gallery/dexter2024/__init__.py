"""Figures on the linear stability of SGD (arXiv 2401.12332)."""
