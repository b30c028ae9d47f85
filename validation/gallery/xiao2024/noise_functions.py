"""How the noise enters signSGD: φ, g = φ/√(2R) and the compression Ψ = (π/2) g √P."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from ....solvers.streaming.advice.effects import effects
from ....theory.core.percent import percent
from ....theory.covariance import isotropic
from ....theory.noise import Cauchy, Gaussian, Laplace, Noise, Rademacher, StudentT, Uniform
from ....theory.streaming.problem import LeastSquares
from ...agreement.compare import MAX_DETECTABLE
from ...figures.registry import LAWS, colours
from ...figures.style import HouseFigure
from ..check import Check, near
from ..look import REFERENCE, SIMULATION, THEORY, key, sheet

TITLE = "the noise functions of signSGD: where compression helps (Psi > 1) and where it hurts"
CAPTION = (
    "(a) The drift factor φ, (b) the effective rate g and (c) the compression Ψ over the risk "
    "for six laws of noise. Take-away: above Ψ = 1 the sign helps (peaked or heavy-tailed "
    "noise), below it hurts (uniform, two values); for Gaussian noise it does neither."
)


@dataclass(frozen=True)
class Parameters:
    """Laws of about one scale, and the risks."""

    scale: float = 0.5
    lowest: float = 1e-4
    highest: float = 30.0
    points: int = 200
    sampled: tuple[float, ...] = (0.1, 0.4, 1.6, 6.4, 25.6)
    samples: int = 500_000
    seed: int = 1


QUICK = Parameters()
FULL = Parameters(samples=5_000_000)


@dataclass(frozen=True, eq=False)
class Data:
    """R and, by law, φ, g and Ψ (None where the variance is infinite); φ of drawn residuals with
    its standard error, and the derived one, at the risks that are sampled: (3, risks)."""

    laws: dict[str, Noise]
    risk: np.ndarray
    phi: dict[str, np.ndarray]
    slope: dict[str, np.ndarray]
    compression: dict[str, np.ndarray | None]
    sampled: np.ndarray
    drawn: dict[str, np.ndarray]


def _laws(scale: float) -> dict[str, Noise]:
    return {
        "Gaussian": Gaussian(scale),
        "Laplace": Laplace(scale / np.sqrt(2)),
        "Uniform": Uniform(scale * np.sqrt(3)),
        "Rademacher": Rademacher(scale),
        "Student, 3 d.o.f.": StudentT(3, scale / np.sqrt(3)),
        "Cauchy": Cauchy(scale),
    }


def compute(parameters: Parameters) -> Data:
    """g, φ and Ψ of every law; Ψ where the variance is finite."""
    risk = np.geomspace(parameters.lowest, parameters.highest, parameters.points)
    laws = _laws(parameters.scale)
    # at rate 1 the effective rate is g
    found = {
        name: effects(LeastSquares(isotropic(10), noise=law), 1.0) for name, law in laws.items()
    }
    slope = {name: effect.effective_rate(risk) for name, effect in found.items()}
    phi = {name: values * np.sqrt(2 * risk) for name, values in slope.items()}
    compression: dict[str, Any] = {
        name: found[name].compression(risk) if np.isfinite(law.variance) else None
        for name, law in laws.items()
    }
    at = np.array(parameters.sampled)
    rng = np.random.default_rng(parameters.seed)
    drawn = {
        name: np.stack(
            [
                *_drawn(law, at, parameters.samples, rng),
                np.sqrt(2 * at) * found[name].effective_rate(at),
            ]
        )
        for name, law in laws.items()
    }
    return Data(laws, risk, phi, slope, compression, at, drawn)


def _drawn(law: Noise, risk: np.ndarray, count: int, rng: Any) -> tuple[np.ndarray, np.ndarray]:
    """√(2/π) E Z sign(√(2R) Z − ε), which is φ by Stein's lemma, and its standard error."""
    found = []
    for R in risk:
        Z = rng.standard_normal(count)
        each = np.sqrt(2 / np.pi) * Z * np.sign(np.sqrt(2 * R) * Z - law.sample(rng, count))
        found.append((each.mean(), each.std(ddof=1) / np.sqrt(count)))
    mean, error = np.transpose(found)
    return mean, error


def draw(data: Data, width: str | float) -> HouseFigure:
    """Three panels against the risk."""
    shades = colours(data.laws, registered=LAWS)

    def panels(axes: Any) -> None:
        for name, colour in shades.items():
            for axis, values in zip(
                axes, (data.phi[name], data.slope[name], data.compression[name]), strict=True
            ):
                if values is not None:
                    axis.plot(data.risk, values, color=colour, label=name)
            mean, error, _ = data.drawn[name]
            axes[0].errorbar(data.sampled, mean, 2 * error, color=colour, **SIMULATION)
        labels = (r"$\phi(R)$", r"$g(R)=\phi/\sqrt{2R}$", r"compression $\Psi(R)$")
        for axis, label in zip(axes, labels, strict=True):
            axis.set(xscale="log", xlabel="excess risk $R$", ylabel=label)
        axes[0].axhline(2 / np.pi, **REFERENCE, zorder=0)
        axes[1].set(yscale="log", ylim=(1e-2, 10))
        axes[2].axhline(1, **REFERENCE, zorder=0)
        key(axes[0], {"theory": THEORY, "drawn residuals, mean ± 2 s.e.": SIMULATION}, 4)

    return sheet(panels, width, columns=3, aspect=1.0)


def _sampled(data: Data) -> Check:
    """All laws and risks at once; the largest error that a cell could hide is said."""
    mean, error, phi = np.concatenate(list(data.drawn.values()), axis=1)
    bound = float(norm.isf(0.5e-3 / mean.size))
    seen = float((2 * bound * error / phi).max())
    return Check(
        "phi of drawn residuals from the derived one, largest |z| over laws and risks",
        float(np.abs((mean - phi) / error).max()),
        0,
        bound,
        f"normal tail at 1e-3 over all; errors of {percent(seen)} would show",
        seen > MAX_DETECTABLE,
    )


def checks(data: Data) -> tuple[Check, ...]:
    """φ of drawn residuals; Ψ(0) from the density at 0 and φ → 2/π in closed form."""
    gaussian = data.compression["Gaussian"]
    laplace, uniform = (data.compression[name] for name in ("Laplace", "Uniform"))
    assert gaussian is not None and laplace is not None and uniform is not None
    power = data.laws["Gaussian"].variance
    b = data.laws["Laplace"].scale  # type: ignore[attr-defined]
    # Ψ(0) = √(2πσ²) f(0): Laplace 1/(2b) at σ = b√2, uniform 1/(2b) at σ = b/√3
    return (
        _sampled(data),
        near(
            "Psi(0) of Laplace noise",
            laplace[0],
            np.sqrt(np.pi),
            2 * np.sqrt(data.risk[0]) / b,
            "formula, next order in sqrt(R)",
        ),
        near(
            "Psi(0) of uniform noise, over its formula",
            uniform[0] / np.sqrt(np.pi / 6),
            1,
            data.risk[0] / power,
            "next order R/sigma^2",
        ),
        near(
            "phi at the largest risk, Gaussian",
            data.phi["Gaussian"][-1],
            2 / np.pi,
            2 / np.pi * power / (4 * data.risk[-1]),
            "next order sigma^2/(4R)",
        ),
    )
