"""Power-law random features: loss against compute in many dimensions, and its frontier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....theory.features.power_law import power_law_features
from ...figures.style import HouseFigure
from ...frontier.figure import draw as draw_frontier
from ...frontier.frontier import DIMENSIONS, Frontier, compute_frontier
from ..check import Check, near

TITLE = "loss against compute of power-law random features, and its frontier"
CAPTION = (
    "The exact mean loss of SGD against parameters × samples, one line a number of features; the "
    "frontier is the lowest of them. Take-away: it is a power law of compute, with the exponents "
    "of the phase that alpha and beta are in."
)


@dataclass(frozen=True)
class Parameters:
    """Exponents of inputs and target, and the dimensions."""

    alpha: float = 0.8
    beta: float = 0.2
    dimensions: tuple[int, ...] = DIMENSIONS


#: of random features, for the mean of their irreducible losses
DRAWS = 8

QUICK = FULL = Parameters()


def compute(parameters: Parameters) -> Frontier:
    """The frontier."""
    return compute_frontier(parameters.alpha, parameters.beta, parameters.dimensions)


def draw(data: Frontier, width: str | float) -> HouseFigure:
    """One panel."""
    return draw_frontier(data, width)


def moved_by_halves(compute: np.ndarray, values: np.ndarray) -> float:
    """How far a fitted exponent moves from the lower to the upper half of the frontier: d is
    finite, and the next order falls with compute."""
    x, y = np.log(compute), np.log(values)
    half = x.size // 2
    lower, upper = (np.polyfit(x[part], y[part], 1)[0] for part in (slice(half), slice(half, None)))
    return float(abs(upper - lower))


def checks(data: Frontier) -> tuple[Check, ...]:
    """Exponents of the phase in which neither the features' bias nor the noise of SGD matters."""
    alpha, beta = data.alpha, data.beta
    # L ≈ d^(1 − 2α − 2β) + k^(−(2α + 2β − 1)/(2α)) for β < 1/2 < α: balance at k = d^(2α)
    loss, dimension = data.exponents["loss"][0], data.exponents["dimension"][0]
    origin = "balance of two power laws; what the exponent moves by from half to half"
    same = power_law_features(400, 100, alpha, beta).irreducible
    drawn = [power_law_features(400, 100, alpha, beta, seed=k).irreducible for k in range(DRAWS)]
    error = np.std(drawn, ddof=1) / np.sqrt(DRAWS)
    return (
        near(
            "exponent of the loss",
            loss,
            (2 * alpha + 2 * beta - 1) / (2 * alpha + 1),
            moved_by_halves(data.compute, data.loss),
            origin,
        ),
        near(
            "exponent of the best dimension",
            dimension,
            1 / (2 * alpha + 1),
            moved_by_halves(data.compute, data.best),
            origin,
        ),
        near(
            f"irreducible loss, mean of {DRAWS} draws over that of the equivalent",
            np.mean(drawn) / same,
            1.0,
            4 * error / same + 1 / 100,
            "4 standard errors of the draws, and O(1/d)",
        ),
    )
