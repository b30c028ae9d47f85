"""One colour for each method and each law of noise wherever they are drawn, and shades for order.

README, overlay and gallery take their colours here. A name that is not registered (a method or a
law of a user's own) gets a colour that depends on the name alone, so that it keeps it from figure
to figure; where two would share one, the second takes the next.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: methods of the house: the palette of Okabe and Ito, told apart with any colour vision
METHODS: dict[str, str] = {
    "SGD": "#0072B2",
    "signSGD": "#D55E00",
    "clipped SGD": "#009E73",
    "Adam": "#CC79A7",
    "Huber": "#E69F00",
    "gradient descent": "#222222",
    "SAM": "#56B4E9",
    "normalised SAM": "#4B2991",
    "CDAT": "#A6611A",
    "Armijo": "#E69F00",
    "Polyak": "#7A9A01",
    "edge": "#9E9AC8",
    "slow memory": "#00798C",
    "lengthening memory": "#C2255C",
    "average": "#8C6D31",
    "AdaGrad-Norm": "#6F4E9C",
    "line search": "#C0392B",
    "penalty": "#B8336A",
    "normalised penalty": "#2B8A9E",
    "weight noise": "#6A994E",
}
#: laws of noise: Tol's muted colours, none of which is that of a method
LAWS: dict[str, str] = {
    "Gaussian": "#332288",
    "Laplace": "#CC6677",
    "uniform": "#DDCC77",
    "Rademacher": "#117733",
    "Student": "#88CCEE",
    "Cauchy": "#882255",
    "rare outliers": "#44AA99",
    "no noise": "#777777",
}
#: ensembles of weights, the palette of the methods: none is drawn beside one
ENSEMBLES: dict[str, str] = {
    "independent": "#0072B2",
    "orthogonal": "#D55E00",
    "symmetric": "#009E73",
    "symmetric orthogonal": "#CC79A7",
    "elliptic": "#E69F00",
}
#: for names that are not registered
OTHERS = ("#AA4499", "#999933", "#661100", "#6699CC", "#AA4466", "#44BB99", "#BB5566", "#004488")
#: other spellings of a registered name
ALSO = {
    "StudentT": "Student",
    "Uniform": "uniform",
    "NoNoise": "no noise",
    "GaussianMixture": "rare outliers",
    "two values": "Rademacher",
    "ClippedSGD": "clipped SGD",
    "SignSGD": "signSGD",
    "GradientDescent": "gradient descent",
    "constant rate": "gradient descent",
    "memory that is kept": "slow memory",
    "memory that lengthens": "lengthening memory",
}


def colours(
    names: Iterable[str],
    given: Mapping[str, str] | None = None,
    registered: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the colour of every name, all different.

    Parameters
    ----------
    names : iterable of str
        Labels of methods or of laws; "CDAT 1.9" is CDAT. A second variant of one method on the
        same figure takes a darker shade of its colour, a third that of an unknown name.
    given : mapping of name to colour, optional
        Colours that a user sets; they go before the register.
    registered : mapping, optional
        `METHODS` and `LAWS` by default.
    """
    known = {**LAWS, **METHODS} if registered is None else registered
    found: dict[str, Any] = dict(given or {})
    for name in names:
        if name not in found:
            found[name] = _free(_registered(name, known), name, set(map(str, found.values())))
    return found


def _registered(name: str, known: Mapping[str, str]) -> str | None:
    """The colour of the longest registered name that the label contains as words."""
    for spelling, usual in ALSO.items():
        name = name.replace(spelling, usual)
    words = [one for one in known if f" {_words(one)} " in f" {_words(name)} "]
    return known[max(words, key=len)] if words else None


def _words(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._" else " " for letter in name)


def _free(base: str | None, name: str, taken: set[str]) -> str:
    """The colour itself, or a variant of it that no other name has."""
    first = zlib.crc32(name.encode()) % len(OTHERS)
    others = OTHERS[first:] + OTHERS[:first]
    own = [] if base is None else [base, shade(base, 1)]
    wanted = own + [shade(one, k) for k in range(5) for one in others]
    return next((one for one in wanted if one not in taken), wanted[0])


def shade(colour: str, rank: int) -> str:
    """Return a colour (rank 0) or one of its variants: darker, lighter, darker still, ..."""
    from matplotlib.colors import to_hex, to_rgb

    if rank == 0:
        return colour
    weight, other = (0.45, 0.0) if rank % 2 else (0.5, 1.0)
    weight = 1 - (1 - weight) ** ((rank + 1) // 2)
    red, green, blue = ((1 - weight) * one + weight * other for one in to_rgb(colour))
    return to_hex((red, green, blue))


def ordered(values: Sequence[Any], first: float = 0.0, last: float = 0.85) -> dict[Any, str]:
    """Return a colour for each value of a parameter that has an order, from dark to light.

    Batches, ε, P, d, thresholds: all on one sequential map, by rank.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    steps = max(len(values) - 1, 1)
    shades = colormaps[SEQUENTIAL]
    return {
        value: to_hex(shades(first + (last - first) * rank / steps))
        for rank, value in enumerate(values)
    }


#: maps of what has an order, and of what lies on two sides of a middle
SEQUENTIAL = "viridis"
DIVERGING = "PuOr"

#: dashes of curves that lie on one another: of n, the k-th shows in every n-th piece
PIECE = 3.0


def woven(rank: int, among: int) -> Any:
    """Return the line style of one of several curves that coincide.

    The first is solid and lies below; the others are drawn over it in turns, so that the colour
    of each shows along the whole line.
    """
    if rank == 0:
        return "-"
    return (PIECE * rank, (PIECE, PIECE * (among - 1)))
