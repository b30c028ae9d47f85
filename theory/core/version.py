"""The version, where every room may read it; pyproject.toml states it too and a test compares."""

VERSION = "0.1.0"
