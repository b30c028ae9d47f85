"""What a law states, as one digest: its name says nothing once its class has been edited.

Under IPython's autoreload an instance keeps its place in every cache while its class is another.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import Any

import numpy as np
import sympy as sp

from ..core import stated
from ..core.by_content import digest
from ..core.symbols import noise as epsilon
from .base import Noise

#: draws of a fixed generator that stand for the sampler, and its key
_DRAWS, _SEED = 4096, 20261128


def statement(noise: Any) -> bytes:
    """Return a digest of the components or the density, the declared moments and the draws."""
    components = stated.components(noise)
    if components is None:
        formula = stated.density(noise, epsilon)
        shape = b"" if formula is None else sp.srepr(formula).encode()
    else:
        shape = digest([np.asarray(part, dtype=float) for part in components])
    declared = [inspect.getattr_static(noise, name, None) for name in ("variance", "fourth_moment")]
    numbers = repr([value for value in declared if isinstance(value, (int, float))]).encode()
    drawn = b""
    if type(noise).sample is not Noise.sample:  # else it follows from the components
        drawn = digest(stated.draws(noise, np.random.default_rng(_SEED), _DRAWS))
    return hashlib.sha256(b"\0".join([shape, numbers, drawn])).digest()
