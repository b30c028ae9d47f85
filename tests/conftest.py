"""Fixtures for every room of the tests."""

import numba
import pytest


@pytest.fixture
def interpreted(monkeypatch):
    """Run generated code as plain Python: the same text, without waiting for a compiler."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
