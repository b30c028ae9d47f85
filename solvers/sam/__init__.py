"""Sharpness-aware minimisation: recursions, flow, edge and first step."""
