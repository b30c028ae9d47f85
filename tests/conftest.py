"""Fixtures for every room of the tests.

Most tests of solvers take a few steps of a small system, and compiling it would cost far more than
running it. Those are marked ``interpreted``: the same generated text runs as plain Python. With
LIMITLAB_TEST_COMPILED=1 (as in ``make test-slow``) the marks are ignored: everything is compiled.
"""

import itertools
import os

import numba
import numpy as np
import pytest

from limitlab.theory.core import once


@pytest.fixture
def interpreted(monkeypatch):
    """Run generated code as plain Python: the same text, without waiting for a compiler."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)


@pytest.fixture(autouse=True)
def _choose_execution(request):
    marked = request.node.get_closest_marker("interpreted")
    opted_out = request.node.get_closest_marker("compiled")
    if marked and not opted_out and os.environ.get("LIMITLAB_TEST_COMPILED") != "1":
        request.getfixturevalue("interpreted")


@pytest.fixture(autouse=True)
def _forget():
    """What a test has patched is not what the next one states."""
    once._pairs.clear()


@pytest.fixture(scope="session")
def all_masks():
    """Return a function that lists every mask of a sampling with its probability."""

    def enumerate_masks(sampling, batch, data):
        if sampling == "without_replacement":
            drawn = list(itertools.combinations(range(data), batch))
        elif sampling == "with_replacement":
            drawn = list(itertools.product(range(data), repeat=batch))
        else:
            masks = np.array(list(itertools.product((0.0, 1.0), repeat=data)))
            chances = np.where(masks == 1, batch / data, 1 - batch / data).prod(axis=1)
            return masks, chances
        masks = np.array([np.bincount(d, minlength=data) for d in drawn], dtype=float)
        return masks, np.full(len(masks), 1 / len(masks))

    return enumerate_masks
