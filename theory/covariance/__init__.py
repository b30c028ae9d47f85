"""Covariances of the data: diagonal with multiplicities, dense, or a spectral density."""

from .base import Covariance
from .dense import Dense, from_data, from_matrix, toeplitz
from .diagonal import Diagonal, from_eigenvalues, isotropic, power_law
from .marchenko_pastur import marchenko_pastur
from .spectral import SpectralDensity, from_density

__all__ = [
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
