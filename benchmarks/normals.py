"""Standard normals: nanoseconds each, into a buffer that stays near the processor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from limitlab.solvers.core import random

from .clock import Call
from .contest import Entry, contest
from .peers import jax, torch
from .report import Table

SIZE = 2**18
#: a buffer of the sizes in which the kernels ask for normals
BUFFER = 2**14


def ours() -> Call:
    """Buffers as the kernels fill them: one group of steps after another."""
    fill, out = random.kernels().fill_normals, np.empty(BUFFER, dtype=np.float32)
    key, stream = random.key(np.random.SeedSequence(1)), np.uint32(0)

    def call() -> np.ndarray:
        for group in range(SIZE // BUFFER):
            fill(key, np.uint64(group), stream, out)
        return out

    return call


def of_numpy(bits: type, kind: type) -> Call:
    generator, out = np.random.Generator(bits(1)), np.empty(BUFFER, dtype=kind)

    def call() -> np.ndarray:
        for _ in range(SIZE // BUFFER):
            generator.standard_normal(out=out, dtype=kind)
        return out

    return call


def of_numba() -> Call:
    from numba import njit

    generator, out = np.random.Generator(np.random.SFC64(1)), np.empty(BUFFER)

    @njit
    def fill(generator, out, times):
        for _ in range(times):
            for i in range(out.size):
                out[i] = generator.standard_normal()

    def call() -> np.ndarray:
        fill(generator, out, SIZE // BUFFER)
        return out

    return call


def of_jax() -> Call:
    library = jax()
    draw = library.jit(lambda key: library.random.normal(key, (SIZE,), library.numpy.float32))
    key = library.random.key(1)
    return lambda: np.asarray(draw(key).block_until_ready())


def of_torch() -> Call:
    library = torch()
    out = library.empty(BUFFER)

    def call() -> np.ndarray:
        for _ in range(SIZE // BUFFER):
            out.normal_()
        return out.numpy()

    return call


def moments(values: np.ndarray) -> str:
    """The remark: a generator that is fast and wrong would show here."""
    return f"{values.dtype}, variance {np.var(values):.2f}"


def tables(quick: bool) -> Iterator[Table]:
    """One table."""
    entries = [
        Entry("limitlab, Philox4x32-7 and Box-Muller", ours),
        Entry("numpy SFC64", lambda: of_numpy(np.random.SFC64, np.float32)),
        Entry("numpy Philox", lambda: of_numpy(np.random.Philox, np.float32)),
        Entry("numpy PCG64", lambda: of_numpy(np.random.PCG64, np.float64)),
        Entry("numba + Generator(SFC64)", of_numba),
        Entry("JAX threefry, compiled", of_jax),
        Entry("torch normal_", of_torch),
    ]
    entries = [Entry(e.name, e.build, units=SIZE, family=e.name) for e in entries]
    rows = contest(entries, {}, remark=moments, rounds=7 if quick else 20)
    caption = "One thread. limitlab's are a function of (seed, run, step, position)."
    yield Table("Standard normals", "ns each", rows, caption=caption)
