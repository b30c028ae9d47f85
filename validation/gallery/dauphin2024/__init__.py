"""Figures on the neglected part of the Hessian (definitions of arXiv 2401.10809)."""
