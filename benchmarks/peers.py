"""Libraries that need not be there; each is set up for one thread when it is first asked for."""

from __future__ import annotations

from functools import cache
from types import ModuleType


@cache
def jax() -> ModuleType:
    """JAX in double precision unless a type is named."""
    import jax as found

    found.config.update("jax_enable_x64", True)
    return found


@cache
def diffrax() -> ModuleType:
    jax()
    import diffrax as found

    return found


@cache
def torch() -> ModuleType:
    import torch as found

    found.set_num_threads(1)
    return found


@cache
def torchsde() -> ModuleType:
    torch()
    import torchsde as found

    return found
