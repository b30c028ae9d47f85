"""Covariances of the inputs: eigenvalues, matrices, spectral densities, your data."""

from .theory.covariance import Covariance as Covariance
from .theory.covariance import from_data as from_data
from .theory.covariance import from_density as from_density
from .theory.covariance import from_eigenvalues as from_eigenvalues
from .theory.covariance import from_matrix as from_matrix
from .theory.covariance import isotropic as isotropic
from .theory.covariance import marchenko_pastur as marchenko_pastur
from .theory.covariance import power_law as power_law
from .theory.covariance import toeplitz as toeplitz
