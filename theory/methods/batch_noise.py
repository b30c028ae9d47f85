r"""The noise of a batch: its covariance from the moments of the mask, and a root of that.

The force of the examples is :math:`Pz/\beta` instead of z. With :math:`M=zz^\top`,

.. math:: \mathbb E[PMP]/\beta^2=(1-\nu c)M+cD\,\mathrm{diag}M,\qquad
          SS^\top=c\,[D\,\mathrm{diag}(z^2)-\nu zz^\top],

and :math:`S=\sqrt{cD}\,\mathrm{diag}(z)(I-\nu\mathbf1\mathbf1^\top/D)` is a root, since ν is 0 or
1. Setting of arXiv 2404.19261; derived here.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .sampling import examples

c, nu = sp.symbols("c nu", nonnegative=True)
#: residual of an example, its standard normal, the mean of those, and |z|
residual, normal, mean_normal = sp.symbols("z xi xi_mean", real=True)
length = sp.Symbol("z_norm", nonnegative=True)


def masked_second(product: Any, diagonal: Any) -> Any:
    """E[PMP]/β² for a product M of residuals and its part on the diagonal."""
    return (1 - nu * c) * product + c * examples * diagonal


def noise_covariance(product: Any, diagonal: Any) -> Any:
    """SSᵀ: what the mask adds to M."""
    return sp.expand(masked_second(product, diagonal) - product)


def noise_root() -> Any:
    """S ξ of one example: its standard deviation without the share of the mean, times ξ."""
    own = sp.sqrt(noise_covariance(0, residual**2))
    return sp.powdenest(own / sp.Abs(residual), force=True) * residual * (normal - nu * mean_normal)


def homogenised_root() -> Any:
    """S ξ where every example gets the mean of the variances, D diag(z²) → |z|² I."""
    return sp.sqrt(noise_covariance(0, length**2 / examples)) * normal
