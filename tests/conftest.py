"""Fixtures for every room of the tests.

Most tests of solvers take a few steps of a small system, and compiling it would cost far more than
running it. Those are marked ``interpreted``: the same generated text runs as plain Python. With
LIMITLAB_TEST_COMPILED=1 (as in ``make test-slow``) the marks are ignored: everything is compiled.
"""

import os

import numba
import pytest


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
