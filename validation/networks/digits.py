"""Digits, as a regression or as classes: scikit-learn's images with one-hot targets."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...theory.core.checks import choice, count
from ...theory.core.errors import InvalidInput
from ..data import load_digits
from .mlp import MLP

TARGETS = ("digits", "parity")


def digits_network(
    examples: int = 150,
    seed: int = 0,
    *,
    components: int | None = None,
    targets: str | int = "digits",
    **options: Any,
) -> MLP:
    """Return a network on a random subset of the digits.

    Pixels are centred and scaled to mean square 1; targets are one-hot, for the squared loss
    centred.

    Parameters
    ----------
    examples : int
        D, at most 1797.
    seed : int
        Of the subset.
    components : int, optional
        Inputs are the first principal components of the pixels instead of all 64 of them.
    targets : {"digits", "parity"} or int
        One output for each digit, or a single one: 1 for even digits and −1 for odd ones, or 1 for
        one digit and 0 for the others, centred.
    **options
        ``hidden``, ``activation`` and ``objective`` of :class:`MLP`.

    Raises
    ------
    NotAvailable
        scikit-learn is not installed: the extra ``data`` has it.

    Examples
    --------
    >>> import limitlab as ll
    >>> ll.digits_network(examples=20, components=5, hidden=(4,)).parameters
    74
    """
    pixels, digits = load_digits()
    if count("examples", examples) > len(pixels):
        raise InvalidInput("examples", examples, f"there are {len(pixels)}")
    chosen = np.random.default_rng(seed).permutation(len(pixels))[:examples]
    X = pixels[chosen] - pixels[chosen].mean(axis=0)
    if components is not None:
        X = _principal(X, count("components", components, 1, X.shape[1]))
    X = X / np.sqrt(np.mean(X**2))
    own = digits[chosen].astype(int)
    if isinstance(targets, int):
        labels = (own == count("targets", targets, 0, 9)).astype(float)[:, None]
        return MLP(X, labels - labels.mean(), **options)
    if choice("targets", targets, TARGETS) == "parity":
        return MLP(X, np.where(own % 2, -1.0, 1.0)[:, None], **options)
    labels = np.eye(10)[own]
    if options.get("objective", "squared") == "squared":
        labels = labels - labels.mean(axis=0)
    return MLP(X, labels, **options)


def _principal(X: np.ndarray, components: int) -> np.ndarray:
    """Coordinates along the directions of largest variance, most first."""
    _, _, directions = np.linalg.svd(X, full_matrices=False)
    return X @ directions[:components].T
