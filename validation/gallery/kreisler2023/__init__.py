"""Figures on the sharpness at the end of gradient flow (model of arXiv 2305.13064)."""
