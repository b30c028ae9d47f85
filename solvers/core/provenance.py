"""How a curve was made, in words that a file can keep."""

from __future__ import annotations

import numpy as np

Seed = int | np.random.SeedSequence | None


def seed_text(seed: Seed) -> str | None:
    """A seed in words: by it the same numbers are drawn again."""
    if isinstance(seed, np.random.SeedSequence):
        return f"entropy {seed.entropy}, spawn_key {seed.spawn_key}"
    return None if seed is None else str(seed)
