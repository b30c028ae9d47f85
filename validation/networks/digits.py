"""Digits, as a regression or as classes: scikit-learn's images with one-hot targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...theory.core.checks import count
from ...theory.core.errors import InvalidInput
from ..data import load_digits
from .mlp import MLP


def digits_network(examples: int = 150, seed: int = 0, **options: Any) -> MLP:
    """Return a network on a random subset of the digits.

    Pixels are centred and scaled to mean square 1; targets are one-hot, for the squared loss
    centred.

    Parameters
    ----------
    examples : int
        D, at most 1797.
    seed : int
        Of the subset.
    **options
        ``hidden``, ``activation`` and ``objective`` of :class:`MLP`.

    Raises
    ------
    NotAvailable
        scikit-learn is not installed: the extra ``data`` has it.
    """
    pixels, digits = load_digits()
    if count("examples", examples) > len(pixels):
        raise InvalidInput("examples", examples, f"there are {len(pixels)}")
    chosen = np.random.default_rng(seed).permutation(len(pixels))[:examples]
    X = pixels[chosen] - pixels[chosen].mean(axis=0)
    targets = np.eye(10)[digits[chosen].astype(int)]
    if options.get("objective", "squared") == "squared":
        targets = targets - targets.mean(axis=0)
    return MLP(X / np.sqrt(np.mean(X**2)), targets, **options)
