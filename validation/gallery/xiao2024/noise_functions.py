"""How the noise enters signSGD: φ, g = φ/√(2R) and the compression Ψ = (π/2) g √P."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ....solvers.streaming.advice.effects import effects
from ....theory.covariance import isotropic
from ....theory.noise import Cauchy, Gaussian, Laplace, Noise, Rademacher, StudentT, Uniform
from ....theory.streaming.problem import LeastSquares
from ...figures.registry import LAWS, colours
from ...figures.style import HouseFigure
from ..check import Check, near
from ..look import REFERENCE, sheet

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


QUICK = FULL = Parameters()


@dataclass(frozen=True, eq=False)
class Data:
    """R and, by law, φ, g and Ψ (None where the variance is infinite)."""

    laws: dict[str, Noise]
    risk: np.ndarray
    phi: dict[str, np.ndarray]
    slope: dict[str, np.ndarray]
    compression: dict[str, np.ndarray | None]


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
    return Data(laws, risk, phi, slope, compression)


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
        labels = (r"$\phi(R)$", r"$g(R)=\phi/\sqrt{2R}$", r"compression $\Psi(R)$")
        for axis, label in zip(axes, labels, strict=True):
            axis.set(xscale="log", xlabel="excess risk $R$", ylabel=label)
        axes[0].axhline(2 / np.pi, **REFERENCE, zorder=0)
        axes[1].set(yscale="log", ylim=(1e-2, 10))
        axes[2].axhline(1, **REFERENCE, zorder=0)
        handles, names = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(handles, names, loc="outside upper left", ncols=3)

    return sheet(panels, width, columns=3, aspect=1.0)


def checks(data: Data) -> tuple[Check, ...]:
    """Ψ = 1 for Gaussian noise, Ψ(0) from the density at 0, φ → 2/π."""
    gaussian = data.compression["Gaussian"]
    laplace, uniform = (data.compression[name] for name in ("Laplace", "Uniform"))
    assert gaussian is not None and laplace is not None and uniform is not None
    b = data.laws["Laplace"].scale  # type: ignore[attr-defined]
    # Ψ(0) = √(2πσ²) f(0): Laplace 1/(2b) at σ = b√2, uniform 1/(2b) at σ = b/√3
    return (
        near(
            "Psi of Gaussian noise, furthest from 1",
            gaussian[np.argmax(abs(gaussian - 1))],
            1,
            1e-12,
            "formula",
        ),
        near(
            "Psi(0) of Laplace noise",
            laplace[0],
            np.sqrt(np.pi),
            2 * np.sqrt(data.risk[0]) / b,
            "formula, next order in sqrt(R)",
        ),
        near("Psi(0) of uniform noise", uniform[0], np.sqrt(np.pi / 6), 1e-3, "formula"),
        near(
            "phi at the largest risk, Gaussian",
            data.phi["Gaussian"][-1],
            2 / np.pi,
            5e-3,
            "sigma^2/(4R)",
        ),
    )
