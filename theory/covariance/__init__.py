"""Covariances of the data: diagonal with multiplicities, dense, or a spectral density."""

from collections.abc import Callable
from typing import Any

from ..core.discover import makers
from .base import Covariance
from .dense import Dense, from_data, from_matrix, toeplitz
from .diagonal import Diagonal, from_eigenvalues, isotropic, power_law
from .marchenko_pastur import marchenko_pastur
from .spectral import SpectralDensity, from_density

#: what files and commands can name, with the arguments that each is tried with
COVARIANCES: dict[str, tuple[Callable[..., Covariance], dict[str, Any]]] = {
    maker.__name__: (maker, maker.EXAMPLE) for maker in makers("covariance")
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
