r"""A trained network on digits beside what second moments of inputs and labels predict of it.

Free probability needs :math:`X^\top X/n` and :math:`X^\top\mathrm{diag}(y)X/n` alone. Then an
intervention: layers at speeds of their own, so that W must move. After arXiv 2402.05271; formulas
of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import ttest_ind

from ....solvers.core.blas import one_thread
from ....solvers.core.curve import Curve
from ....solvers.feature_alignment.early import early_limit_of
from ....theory.methods import GradientDescent, SpeedLimited
from ...figures.registry import ordered
from ...figures.style import HouseFigure
from ...networks.digits import digits_network
from ...networks.features import early_features, label_statistics, paired_start, train_features
from ...networks.mlp import MLP
from ..check import ROUNDING, Check, exceeds, near
from ..look import EXACT, LINKED, REFERENCE, SEQUENCE, SIMULATION, THEORY, direct, key, sheet

TITLE = "features of a network on digits: predicted from second moments, and an intervention"
CAPTION = (
    "One hidden layer on {components} principal components of digits, zero output at the start. "
    "(a) Centred correlation at t = 0+, units x²/2, three labels: networks (± 2 s.e. over first "
    "weights), limit from second moments of inputs and labels (lines), infinite width (dashed). "
    "(b) Centred (lines) and uncentred (dashed) correlation along descent, parity; grey: the "
    "limit. (c) Uncentred correlation at loss {target} over the size of the readout: descent, and "
    "layers at speeds of their own. Take-away: over three labels the largest distance of "
    "networks from the limit is below that from infinite width; speed limits raise the correlation "
    "only where the readout is small and W moves alone."
)
UNITS = ("quadratic", "relu", "tanh")
#: of what the intervention does, by Student's tail
LEVEL = 1e-2
#: labels by name
LABELS: dict[str, Any] = {"0 or not": 0, "even or odd": "parity", "8 or not": 8}
#: speeds of W and of the readout
SPEEDS = {"W 16 times as fast": (1.0, 1 / 16), "W alone": (1.0, 0.0)}

Array = np.ndarray


@dataclass(frozen=True)
class Parameters:
    """Data, widths and draws of the first instant; descent; the intervention."""

    examples: int = 400
    components: int = 32
    widths: tuple[int, ...] = (32, 64, 128, 256)
    draws: int = 80
    width: int = 64
    rates: tuple[float, ...] = (0.05, 0.1, 0.1)
    steps: int = 150
    readouts: tuple[float, ...] = (0.1, 0.25, 0.5, 1.0)
    rate: float = 0.1
    limited_steps: int = 140
    target: float = 0.15
    starts: int = 12
    seed: int = 3


QUICK = Parameters()
FULL = Parameters(draws=400, starts=30)


@dataclass(frozen=True, eq=False)
class Data:
    """Draws by label (width × draw), their gap to the formula, limits and wide limits by label,
    curves by unit, and ends by kind of descent (readout × start) with the loss at which they were
    read."""

    parameters: Parameters
    draws: dict[str, Array]
    gap: float
    limits: dict[str, Array]
    wide: dict[str, float]
    curves: dict[str, Curve]
    ends: dict[str, Array]
    losses: dict[str, Array]


def network_of(p: Parameters, width: int, unit: str, label: Any = "parity") -> MLP:
    """One hidden layer on components of the digits."""
    return digits_network(
        p.examples,
        p.seed,
        components=p.components,
        targets=label,
        hidden=(width,),
        activation=unit,
    )


def compute(p: Parameters) -> Data:
    """The first instant over the width; descent; and the intervention."""
    with one_thread():
        found = {name: _instants(p, label) for name, label in LABELS.items()}
        curves = {
            unit: _trained(p, unit, GradientDescent(rate), p.steps, 10, 0.5)
            for unit, rate in zip(UNITS, p.rates, strict=True)
        }
        ends, losses = dict[str, Array](), dict[str, Array]()
        for name, descent in _descents(p).items():
            pairs = [_end(p, descent, readout) for readout in p.readouts]
            ends[name], losses[name] = (np.array(each) for each in zip(*pairs, strict=True))
    draws, gaps, limits, wide = zip(*found.values(), strict=True)
    named = [dict(zip(LABELS, each, strict=True)) for each in (draws, limits, wide)]
    return Data(p, named[0], max(gaps), named[1], named[2], curves, ends, losses)


def _descents(p: Parameters) -> dict[str, tuple[Any, int, int]]:
    """Method, steps, and steps between records."""
    limited = {
        name: (SpeedLimited(p.rate, speeds, target=p.target), p.limited_steps, p.limited_steps)
        for name, speeds in SPEEDS.items()
    }
    return {"descent": (GradientDescent(p.rates[0]), p.steps, 3), **limited}


def _instants(p: Parameters, label: Any) -> tuple[Array, float, Array, float]:
    """C-NFC(0⁺) of draws, their gap to the formula, the limits over the width, the wide limit."""
    values, gap, limits = list[list[float]](), 0.0, list[float]()
    for width in p.widths:
        network, rng = network_of(p, width, "quadratic", label), np.random.default_rng(p.seed)
        starts = [paired_start(network, rng, readouts="signs") for _ in range(p.draws)]
        found = [early_features(network, theta) for theta in starts]
        S, M = label_statistics(network, starts[0])
        limit = early_limit_of(S, M[0], 2 * p.components / width)
        values.append([f.value for f in found])
        gap = max(gap, *(abs(f.value - f.statistics) for f in found))
        limits.append(limit.value)
    return np.array(values), gap, np.array(limits), limit.wide


def _trained(p: Parameters, unit: str, method: Any, steps: int, every: int, readout: float) -> Any:
    network = network_of(p, p.width, unit)
    return train_features(
        network,
        method,
        steps,
        every=every,
        start=lambda rng: paired_start(network, rng, readout=readout, readouts="signs"),
        runs=p.starts,
        seed=p.seed,
        workers=1,
        progress=False,
    )


def _end(p: Parameters, descent: tuple[Any, int, int], readout: float) -> tuple[Array, Array]:
    """UC-NFC of every start where the loss has fallen to the target, and the loss there."""
    curve = _trained(p, "quadratic", *descent, readout)
    losses, alike = curve.sample("loss"), curve.sample("alignment")
    if losses.shape[1] == 2:  # it stops there
        return alike[:, -1], losses[:, -1]
    pairs = zip(losses, alike, strict=True)
    at = np.array([np.interp(-p.target, -loss, each) for loss, each in pairs])
    return at, np.maximum(losses.min(axis=1), p.target)


MEAN = "networks, mean ± 2 s.e."


def draw(data: Data, width: str | float) -> HouseFigure:
    """The first instant, descent, and the intervention."""
    p = data.parameters

    def panels(axes: Any) -> None:
        labels = dict(zip(data.draws, SEQUENCE[3:6], strict=True))
        for name, draws in data.draws.items():
            colour = labels[name]
            axes[0].plot(p.widths, data.limits[name], color=colour, **THEORY)
            axes[0].errorbar(
                p.widths, draws.mean(axis=1), 2 * _sem(draws), color=colour, **SIMULATION
            )
            axes[0].axhline(data.wide[name], color=colour, **EXACT)
        direct(axes[0], {n: (float(line[-1]), labels[n]) for n, line in data.limits.items()})
        axes[0].set(xscale="log", xlabel="width $k$", ylabel="centred correlation")
        axes[0].set_xticks(p.widths, [str(w) for w in p.widths])
        axes[0].minorticks_off()
        for curve, colour in zip(data.curves.values(), SEQUENCE, strict=False):
            axes[1].plot(curve.time, curve.centred_alignment, color=colour, **THEORY)
            axes[1].plot(curve.time, curve.alignment, color=colour, **EXACT)
        axes[1].axhline(_at(data, p.width), **REFERENCE)
        axes[1].set(xlabel="step", ylabel="correlation")
        colours = dict(zip(("units $x^2/2$", "ReLU", "tanh"), SEQUENCE, strict=False))
        key(
            axes[1],
            {"centred (b), limit (a)": THEORY, "uncentred (b), wide (a)": EXACT, MEAN: SIMULATION},
            colours=colours,
        )
        shades, last = ordered(tuple(range(len(data.ends)))).values(), {}
        for (name, ends), colour in zip(data.ends.items(), shades, strict=True):
            axes[2].errorbar(p.readouts, ends.mean(axis=1), 2 * _sem(ends), color=colour, **LINKED)
            last[name] = float(ends.mean(axis=1)[-1]), colour
        axes[2].set(
            xscale="log", xlabel="size of the readout", ylabel=f"correlation at loss {p.target:g}"
        )
        direct(axes[2], {name.replace(" times as fast", "×"): at for name, at in last.items()})

    return sheet(panels, width, columns=3, aspect=1.0)


def _sem(values: Array) -> Array:
    return np.asarray(values.std(axis=1, ddof=1) / np.sqrt(values.shape[1]))


def _at(data: Data, width: int) -> float:
    return float(np.interp(width, data.parameters.widths, data.limits["even or odd"]))


def checks(data: Data) -> tuple[Check, ...]:
    """The formula, the limit, and what the intervention does at either end."""
    p = data.parameters
    spread = max(float(losses.max()) for losses in data.losses.values())
    gap = data.ends["W alone"] - data.ends["descent"]
    return (
        near("largest gap of networks to the formula", data.gap, 0, 1e-9, "both exact"),
        *_limits(data),
        _start(data),
        Check(
            "largest loss where it is read", spread, 0, p.target * (1 + ROUNDING), "all reach it"
        ),
        exceeds("W alone above descent at the smallest readout", gap[0], "raised", level=LEVEL),
        exceeds("and below it at the two largest", -gap[-2:].mean(axis=0), "lowered", level=LEVEL),
    )


def _limits(data: Data) -> tuple[Check, ...]:
    """Networks are nowhere as far from the limit of second moments as they are somewhere from
    infinite width.

    The limit leaves a first order in 1/d and 1/k, so that it is not what they are equal to.
    """
    names = list(data.draws)
    means, errors = (np.array([f(data.draws[n]) for n in names]) for f in (_mean, _sem))
    wide = np.array([[data.wide[n]] for n in names])
    limits = np.array([data.limits[n] for n in names])
    (far, a), (near_by, b) = (_farthest(means - one, errors) for one in (wide, limits))
    apart = (means[0, -1] - means[-1, -1]) / np.hypot(errors[0, -1], errors[-1, -1])
    return (
        Check(
            "largest distance from infinite width above that from the limit, in standard errors",
            (far - near_by) / (a + b),
            4,
            np.inf,
            "the largest over labels and widths, whose errors may be one",
        ),
        Check(
            f"{names[0]} above {names[-1]} at the largest width, in standard errors",
            apart,
            4,
            np.inf,
            "labels are told apart",
        ),
    )


def _farthest(distances: Array, errors: Array) -> tuple[float, float]:
    """The largest distance and its standard error."""
    place = np.unravel_index(np.abs(distances).argmax(), distances.shape)
    return float(np.abs(distances[place])), float(errors[place])


def _start(data: Data) -> Check:
    """Descent starts from what (a) shows at its width: two samples of one law."""
    p = data.parameters
    first = data.curves["quadratic"].sample("centred_alignment")[:, 0]
    drawn = data.draws["even or odd"][p.widths.index(p.width)]
    found = float(ttest_ind(first, drawn, equal_var=False).pvalue)
    name = "C-NFC at the start of descent, units x²/2, against the draws of (a): p-value"
    return Check(name, found, 1e-3, 1 - ROUNDING, "Welch's test: one law")


def _mean(values: Array) -> Array:
    return np.asarray(values.mean(axis=1))
