"""Covariances of the data: diagonal with multiplicities, dense, or a spectral density."""

from collections.abc import Callable
from typing import Any

from .base import Covariance
from .dense import Dense, from_data, from_matrix, toeplitz
from .diagonal import Diagonal, from_eigenvalues, isotropic, power_law
from .marchenko_pastur import marchenko_pastur
from .spectral import SpectralDensity, from_density

#: what files and commands can name, with the arguments that each is tried with
COVARIANCES: dict[str, tuple[Callable[..., Covariance], dict[str, Any]]] = {
    "isotropic": (isotropic, {"d": 200}),
    "power_law": (power_law, {"d": 200, "exponent": 0.5}),
    "marchenko_pastur": (marchenko_pastur, {"d": 200, "aspect": 0.5}),
    "toeplitz": (toeplitz, {"d": 60, "correlation": 0.5}),
    "from_eigenvalues": (from_eigenvalues, {"values": (2.0, 0.5), "multiplicities": (100, 100)}),
    "from_matrix": (from_matrix, {"K": ((1.0, 0.3), (0.3, 1.0))}),
}

__all__ = [
    "COVARIANCES",
    "Covariance",
    "Dense",
    "Diagonal",
    "SpectralDensity",
    "from_data",
    "from_density",
    "from_eigenvalues",
    "from_matrix",
    "isotropic",
    "marchenko_pastur",
    "power_law",
    "toeplitz",
]
