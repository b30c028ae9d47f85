r"""How a batch is drawn from D examples, and the second moments of its mask.

The mask :math:`m_k` says how often example k is in the batch. Each law is stated once, by its pair
generating function :math:`G(x,y)=\mathbb E\,x^{m_k}y^{m_l}`, :math:`k\neq l`; then

.. math:: \beta=G_x,\quad b_1=\mathbb E m_k^2=G_{xx}+G_x,\quad b_2=\mathbb E m_km_l=G_{xy}
          \quad\text{at }x=y=1,

and with :math:`c,\nu` from :math:`b_2/\beta^2=1-\nu c`, :math:`(b_1-b_2)/\beta^2=cD`

.. math:: \mathbb E[PMP]/\beta^2=(1-\nu c)\,M+cD\,\mathrm{diag}(M).

Setting of arXiv 2404.19261; formulas derived here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from ..core.checks import choice
from ..core.errors import InvalidInput, NotAvailable
from .gradient_descent import GradientDescent
from .sgd import SAMPLINGS, SGD

#: batch size B, number of examples D, and the arguments x, y of the generating function
batch_size, examples = sp.symbols("B D", positive=True, integer=True)
_x, _y = sp.symbols("x y", positive=True)
_B, _D = batch_size, examples


def _without_replacement() -> Any:
    """Both, one or none of the pair among the B distinct examples: hypergeometric."""
    both = _B * (_B - 1) / (_D * (_D - 1))
    one = _B * (_D - _B) / (_D * (_D - 1))
    return both * _x * _y + one * (_x + _y) + (1 - both - 2 * one)


def _with_replacement() -> Any:
    """B independent draws, each uniform over the D examples."""
    return ((_x + _y + _D - 2) / _D) ** _B


def _bernoulli() -> Any:
    """Every example by itself with probability B/D."""
    return (1 - _B / _D + _B / _D * _x) * (1 - _B / _D + _B / _D * _y)


_LAWS = dict(zip(SAMPLINGS, (_without_replacement, _with_replacement, _bernoulli), strict=True))


def pair_law(sampling: str) -> tuple[Any, tuple[Any, Any]]:
    """Return the generating function E x^m_k y^m_l of a sampling in B and D, and (x, y)."""
    return _LAWS[choice("sampling", sampling, SAMPLINGS)](), (_x, _y)


@dataclass(frozen=True)
class Moments:
    """Moments of a mask: β = E m_k, b₁ = E m_k², b₂ = E m_k m_l, and the constants c, ν.

    The fields are sympy expressions in B and D (``sampling_moments``) or floats
    (``mask_moments``).
    """

    beta: Any
    b1: Any
    b2: Any
    c: Any
    nu: Any


@lru_cache(maxsize=8)
def sampling_moments(sampling: str) -> Moments:
    """Derive the moments of a sampling from its law, as formulas in B and D."""
    law, _ = pair_law(sampling)
    here = {_x: 1, _y: 1}
    beta = sp.simplify(sp.diff(law, _x).subs(here))
    b1 = sp.factor(sp.simplify((sp.diff(law, _x, 2) + sp.diff(law, _x)).subs(here)))
    b2 = sp.factor(sp.simplify(sp.diff(law, _x, _y).subs(here)))
    c = sp.factor(sp.simplify((b1 - b2) / (beta**2 * _D)))
    nu = sp.simplify((1 - b2 / beta**2) / c)
    return Moments(beta, b1, b2, c, nu)


def mask_moments(sampling: str, batch: int, data: int) -> Moments:
    """Return the moments as numbers.

    Parameters
    ----------
    sampling : str
        One of ``SAMPLINGS``.
    batch, data : int
        B and D, 1 <= B <= D.
    """
    symbolic = sampling_moments(sampling)
    if sampling == "without_replacement" and batch == data:
        return Moments(1.0, 1.0, 1.0, 0.0, float(symbolic.nu))  # also D = 1, which has no pair
    values = {_B: batch, _D: data}
    return Moments(*(float(getattr(symbolic, f).subs(values)) for f in vars(symbolic)))


@dataclass(frozen=True)
class Batches:
    """The batches of a method on D examples.

    Attributes
    ----------
    sampling : str
    batch, data : int
        B and D.
    momentum : float
        μ of the heavy ball.
    """

    sampling: str
    batch: int
    data: int
    momentum: float = 0.0

    @property
    def moments(self) -> Moments:
        """β, b₁, b₂, c and ν as numbers."""
        return mask_moments(self.sampling, self.batch, self.data)

    @property
    def full(self) -> bool:
        """Whether every step sees every example once."""
        return self.moments.c == 0


def batches(method: Any, data: int) -> Batches:
    """Return how ``method`` draws its batches from ``data`` examples.

    Raises
    ------
    NotAvailable
        Neither gradient descent nor SGD.
    InvalidInput
        A batch above D.
    """
    if isinstance(method, GradientDescent):
        if method.batch > 1:
            raise NotAvailable("batch", method.batch, "the batch is all of the data; leave it out")
        return Batches("without_replacement", data, data)
    if not isinstance(method, SGD):
        remedy = "finite data have the methods GradientDescent(rate) and SGD(rate, batch=B)"
        raise NotAvailable("method", method, remedy)
    for field in method.remembered:
        if field != "momentum" or not isinstance(method.momentum, float):
            remedy = "finite data have the heavy ball, momentum=β; the others are for streams"
            raise NotAvailable(field, getattr(method, field), remedy)
    if method.batch > data:
        raise InvalidInput("batch", method.batch, f"give a batch of 1 to D = {data} examples")
    return Batches(method.sampling or SAMPLINGS[0], method.batch, data, method.momentum)


def batches_of(method: Any, examples: int) -> Batches:
    """Return how a method draws its batches that sees all of the data where it does not say.

    Raises
    ------
    InvalidInput
        A batch above D.
    """
    if method.batch is None:
        return Batches(SAMPLINGS[0], examples, examples)
    if method.batch > examples:
        raise InvalidInput("batch", method.batch, f"give a batch of 1 to D = {examples} examples")
    return Batches(method.sampling or SAMPLINGS[0], method.batch, examples)


def draw_masks(batches: Batches, steps: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the masks of independent steps, shape (steps, D): how often each example is drawn."""
    B, D = batches.batch, batches.data
    if batches.sampling == "without_replacement":
        first = np.argsort(rng.random((steps, D)), axis=1) < B
        return first.astype(np.float64)
    if batches.sampling == "with_replacement":
        return rng.multinomial(B, np.full(D, 1 / D), size=steps).astype(np.float64)
    return (rng.random((steps, D)) < B / D).astype(np.float64)
