"""How large the error of a closed or continuous theory of a linear model is expected to be."""

from __future__ import annotations

import math
from typing import Any

from ...theory.core.errors import NotAvailable
from ...theory.core.percent import percent
from ...theory.core.warn import warn
from .kernel_norm import LARGEST_EXACT, constant_rate
from .noise_kernel import NoiseKernel

#: rate · sharpness up to which continuous time is taken without a warning
SMALL_STEP = 0.3
#: expected relative error of the summed loss up to which the closure is
SMALL_ERROR = 0.05
#: the spread of the SDE was 1.2 ± .4 times K/(1 − 2K) too wide on Wishart and flat spectra of 40
#: modes with B = 2 and 8 of 40 samples, for kernel norms K of .04 to .39
SPREAD_ERROR, LARGEST_SPREAD_NORM = 1.2, 0.4


def check_flow(kernel: NoiseKernel, method: Any, limit: str) -> float:
    """The rate, where a theory in flow time exists.

    Raises
    ------
    NotAvailable
        A schedule, momentum, or rate · sharpness >= 2.
    """
    rate, momentum = constant_rate(method), kernel.batches.momentum
    if momentum:
        remedy = f'limit="{limit}" is derived without momentum; use "exact" or "closure"'
        raise NotAvailable("momentum", momentum, remedy)
    step = rate * kernel.problem.sharpness
    if step >= 2:
        remedy = f'rate · sharpness = {step:.3g} is not below the edge 2; use "exact" or "closure"'
        raise NotAvailable("limit", limit, remedy)
    return rate


def norms_of_sde(kernel: NoiseKernel, rate: float, exact: bool) -> tuple[float, float]:
    """The noise kernel norm of the SDE, and that of the steps in the same form.

    Parameters
    ----------
    exact : bool
        The heteroscedastic diffusion; the norm of the homogenised one is the trace form.
    """
    if not exact:
        return kernel.trace(rate), kernel.closure(rate)
    whole = kernel.problem.size <= LARGEST_EXACT
    return kernel.of_sde(rate, whole), (kernel.exact if whole else kernel.second_moment)(rate)


def warn_of_flow(
    kernel: NoiseKernel, rate: float, norms: tuple[float, float] | None = None
) -> None:
    """Warn where steps are not small against the fastest direction; `norms` are of the SDE."""
    step = rate * kernel.problem.sharpness
    if step <= SMALL_STEP:
        return
    lacking = norms and ", its kernel norm is {:.4g} in place of {:.4g}".format(*norms)
    warn(
        f"rate · sharpness = {step:.3g} is above {SMALL_STEP}: expect the decay of the fastest "
        f"mode to be off by about rate · sharpness/2 = {percent(step / 2)}{lacking or ''}"
    )


def warn_of_closure(kernel: NoiseKernel, rate: float) -> str:
    """Say how far the closure is from the exact norm; a warning where that is far.

    Returns
    -------
    str
        The sentence; empty without eigenvectors or noise.
    """
    if kernel.problem.spectrum is not None or kernel.batches.full or kernel.beyond_edge(rate):
        return ""
    exact = kernel.problem.size <= LARGEST_EXACT
    name = "K_exact" if exact else "K_2"
    norm = kernel.exact(rate) if exact else kernel.second_moment(rate)
    closed = kernel.closure(rate)
    expected = (1 - closed) / (1 - norm) - 1 if norm < 1 else math.inf
    remark = (
        f"the closure is optimistic: {name}/K_closure = {norm / closed:.4g}; expect the summed "
        f"loss to be above it by {_percent(expected)}"
    )
    if expected > SMALL_ERROR:
        warn(remark)
    return remark


def warn_of_divergence(norm: float) -> str:
    """Warn where the mean loss of the SDE, of such a norm, diverges, whatever its paths do.

    Returns
    -------
    str
        The sentence; empty below 1.
    """
    if norm < 1:
        return ""
    remark = (
        f"the noise kernel norm of the SDE is {norm:.4g}, not below 1: its mean loss diverges, and "
        "the mean of finitely many paths is that of a few of them; compare quantiles"
    )
    warn(remark)
    return remark


def warn_of_spread(norm: float) -> str:
    """Say how far the spread of the SDE's paths is expected to be from that of runs.

    Returns
    -------
    str
        The sentence; empty without noise.
    """
    if norm <= 0 or norm >= 1:  # a mean that diverges is told of elsewhere
        return ""
    grown = 1 - 2 * norm
    expected = SPREAD_ERROR * norm / grown if norm < LARGEST_SPREAD_NORM else math.inf
    size = _percent(expected) if math.isfinite(expected) else "an amount that is not known"
    remark = (
        f"the noise kernel norm is {norm:.3g}: a mask of samples has lighter tails than the normal "
        f"noise of the SDE, whose spread is expected to be too wide by {size}"
    )
    if expected > SMALL_ERROR:
        warn(remark)
    return remark


def _percent(error: float) -> str:
    return f"about {100 * error:.0f} %" if math.isfinite(error) else "any amount: it diverges"
