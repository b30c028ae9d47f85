"""Distillation block by block: modes, matrices, noise of batches, plateaus, switching time."""
