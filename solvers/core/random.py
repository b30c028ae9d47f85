"""Random numbers of the compiled kernels: counter-based normals keyed by seed, run and step.

The generator itself, and how far its float32 tails reach, is documented in `kernels/normals.py`.
`kernels()` is that file, compiled, for code that fills a buffer and hands it to another kernel.
A kernel that draws numbers itself is compiled together with the file::

    module = compile.load(system.source + random.source(), template)

and finds `fill_normals(key, group, stream, out)` and `fill_uniforms(...)` defined.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np

from ...theory.core.errors import InvalidInput, InvalidType
from .compile import load, text_of

#: buffers of normals have a size that is a multiple of this
BLOCK = 256
_KERNELS = Path(__file__).parents[1] / "kernels" / "normals.py"


@cache
def source() -> str:
    """Text that defines `fill_normals` and `fill_uniforms` in a generated module."""
    return "\n\n" + text_of(_KERNELS)


def kernels() -> ModuleType:
    """The compiled `fill_normals(key, group, stream, out)` and `fill_uniforms(...)`."""
    return load("", _KERNELS)


def padded(n: int) -> int:
    """Smallest size of a buffer that holds `n` normals.

    Examples
    --------
    >>> padded(1000)
    1024
    """
    return -(-n // BLOCK) * BLOCK


def seed_sequence(seed: int | np.random.SeedSequence | None) -> np.random.SeedSequence:
    """The user's seed as a SeedSequence (fresh entropy for None); the object is not changed.

    Raises
    ------
    InvalidType
        Neither an int, nor a SeedSequence, nor None.
    InvalidInput
        A negative number.
    """
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if seed is None:
        return np.random.SeedSequence()
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise InvalidType("seed", seed, "give a whole number >= 0, a SeedSequence, or None")
    if seed < 0:
        raise InvalidInput("seed", seed, "give a whole number >= 0")
    return np.random.SeedSequence(int(seed))


def child(sequence: np.random.SeedSequence, *labels: int) -> np.random.SeedSequence:
    """The sequence of a run: same entropy, `labels` appended to the spawn key.

    Unlike `SeedSequence.spawn` this leaves the parent as it is, so that run k has the same
    stream whatever was drawn before.
    """
    return np.random.SeedSequence(
        sequence.entropy, spawn_key=(*sequence.spawn_key, *labels), pool_size=sequence.pool_size
    )


def key(sequence: np.random.SeedSequence) -> np.uint64:
    """The 64-bit key of the counter-based generator."""
    return np.uint64(sequence.generate_state(1, np.uint64)[0])


def normals(
    sequence: np.random.SeedSequence, n: int, group: int = 0, stream: int = 0
) -> np.ndarray:
    """First `n` float32 standard normals of (sequence, group, stream).

    Parameters
    ----------
    sequence : SeedSequence
    n : int
        A longer call begins with the numbers of a shorter one.
    group, stream : int
        Different pairs give independent numbers (group < 2^64, stream < 2^32).
    """
    out = np.empty(padded(n), dtype=np.float32)
    kernels().fill_normals(key(sequence), np.uint64(group), np.uint32(stream), out)
    return out[:n]
