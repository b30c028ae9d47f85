r"""A fully connected network in numpy, with the products of its Jacobian.

.. math:: a_{l+1}=\phi(a_lW_l+b_l),\qquad z=a_{last}-y,\qquad L=\frac{|z|^2}{2D}

The last layer is linear. Parameters are one flat vector. With cross-entropy the outputs are
logits, and z is softmax(a_last) − y: see :mod:`limitlab.validation.networks.losses`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...theory.activations import Tanh, activation_of
from ...theory.core.checks import array, choice, count
from ...theory.core.errors import InvalidInput
from .layer import of
from .linearisation import Linearisation
from .losses import OBJECTIVES, gauss_newton, losses, mean_loss, residual, softmax

Array = NDArray[np.float64]

#: of a complex step: its square is below every rounding
_COMPLEX_STEP = 1e-30


@dataclass(frozen=True, eq=False)
class MLP:
    """A network on its training data.

    Parameters
    ----------
    inputs : (D, p) array_like
    targets : (D, C) array_like
        Probabilities for the cross-entropy, C >= 2.
    hidden : tuple of int
        Widths of the hidden layers.
    activation : Activation or str
        Of the hidden layers: `Tanh`, `ReLU`, `GELU(beta)`, `Quadratic` … or its word.
    objective : {"squared", "cross_entropy"}

    Raises
    ------
    InvalidInput
        Inputs and targets of different lengths, or that are not finite; a width below 1; targets of
        the cross-entropy that are no probabilities; an unknown activation or objective.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((30, 3))
    >>> net = ll.MLP(X, X[:, :1], hidden=(8,), activation=ll.ReLU())
    >>> net.data, net.parameters
    (30, 41)
    """

    inputs: Any
    targets: Any
    hidden: tuple[int, ...] = (32,)
    activation: Any = Tanh()
    objective: str = "squared"

    def __post_init__(self) -> None:
        X, Y = array("inputs", self.inputs, 2), array("targets", self.targets, 2)
        if len(X) != len(Y):
            remedy = f"has {len(Y)} rows; give one for each of the {len(X)} inputs"
            raise InvalidInput("targets", self.targets, remedy)
        object.__setattr__(self, "activation", activation_of(self.activation))
        if choice("objective", self.objective, OBJECTIVES) == "cross_entropy":
            _check_probabilities(Y)
        object.__setattr__(self, "inputs", X)
        object.__setattr__(self, "targets", Y)
        object.__setattr__(self, "hidden", tuple(count("hidden", h) for h in self.hidden))

    @property
    def data(self) -> int:
        """D."""
        return len(self.inputs)

    @property
    def outputs(self) -> int:
        """C."""
        return self.targets.shape[1]

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(fan-in + 1, fan-out) of each layer: the last row is the bias."""
        widths = (self.inputs.shape[1], *self.hidden, self.outputs)
        return tuple((n + 1, m) for n, m in zip(widths[:-1], widths[1:], strict=True))

    @property
    def parameters(self) -> int:
        """P."""
        return sum(n * m for n, m in self.shapes)

    def start(self, rng: np.random.Generator) -> Array:
        """Normal weights of variance gain/fan-in, biases 0."""
        gain = self.activation.gain
        layers = [rng.standard_normal(s) * np.sqrt(gain / (s[0] - 1)) for s in self.shapes]
        for layer in layers:
            layer[-1] = 0.0
        return np.concatenate([layer.ravel() for layer in layers])

    def layers(self, theta: Array) -> list[Array]:
        """The parameters as one matrix a layer."""
        places = zip(self._places, self.shapes, strict=True)
        return [theta[place].reshape(shape) for place, shape in places]

    @cached_property
    def _places(self) -> list[slice]:
        ends = np.cumsum([n * m for n, m in self.shapes]).tolist()
        return [slice(a, b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]

    def forward(self, theta: Array, inputs: Array) -> Passed:
        """The input of each layer, the output of the network, and φ′ in every hidden layer."""
        layer = of(self.activation)
        passed, slopes = [inputs], list[Array]()
        for depth, weights in enumerate(self.layers(theta)):
            sums = passed[-1] @ weights[:-1] + weights[-1]
            if depth == len(self.hidden):
                return Passed([*passed, sums], slopes)
            value = layer.value(sums)
            passed.append(value)
            slopes.append(layer.slope(sums, value))
        raise AssertionError("a network has a last layer")

    def residual(self, theta: Array) -> Array:
        """z, (D, C): the derivative of D times the loss by the outputs."""
        return residual(self.objective, self.outputs_at(theta), self.targets)

    def loss(self, theta: Array) -> float:
        """|z|²/(2D), or the mean cross-entropy."""
        return mean_loss(self.objective, self.outputs_at(theta), self.targets)

    def batch_loss(self, theta: Array, mask: Array) -> float:
        """The loss summed over a batch; the mask, (D,), says how often each example is in it."""
        batch = np.flatnonzero(mask)
        outputs = self.forward(theta, self.inputs[batch]).output
        every = losses(self.objective, outputs, self.targets[batch])
        return float(mask[batch] @ every)

    def outputs_at(self, theta: Array) -> Array:
        """The outputs on the training data, (D, C)."""
        return self.forward(theta, self.inputs).output

    def gradient(self, theta: Array, mask: Array) -> Array:
        """Jᵀ P z: the sum over a batch; the mask, (D,), says how often each example is in it."""
        batch = np.flatnonzero(mask)
        passed = self.forward(theta, self.inputs[batch])
        z = residual(self.objective, passed.output, self.targets[batch])
        return self._pull(theta, passed, mask[batch, None] * z)

    def curvature(self, theta: Array, v: Array, mask: Array) -> Array:
        """The Hessian of the loss of a batch, summed over it, times v.

        By a complex step of the gradient: exact to rounding, since every layer is analytic.
        """
        length = float(np.linalg.norm(v))
        if length == 0.0:
            return np.zeros_like(v)
        shift = _COMPLEX_STEP / length
        return self.gradient(theta + 1j * shift * v, mask).imag / shift

    def linearisation(self, theta: Array) -> Linearisation:
        """The Jacobian at θ; for the cross-entropy the weighted one of Gauss-Newton."""
        passed = self.forward(theta, self.inputs)
        near = Linearisation(
            lambda v: self._push(theta, passed, v),
            lambda u: self._pull(theta, passed, u.reshape(self.targets.shape)),
            self.data,
            self.parameters,
            self.outputs,
            lambda k: self._jacobian(theta, passed.rows(slice(k, k + 1))),
        )
        return near if self.objective == "squared" else gauss_newton(near, softmax(passed.output))

    def jacobian(self, theta: Array) -> Array:
        """J of the outputs, (D C, P); the rows of an example are consecutive."""
        return self._jacobian(theta, self.forward(theta, self.inputs))

    def _jacobian(self, theta: Array, passed: Passed) -> Array:
        data = len(passed.inputs[0])
        units = np.tile(np.eye(self.outputs), (data, 1))
        every = np.repeat(np.arange(data), self.outputs)
        return self._gradients(theta, passed.rows(every), units)

    def errors(self, theta: Array, passed: Passed, u: Array) -> list[Array]:
        """Derivatives of u·z by the sums of each layer."""
        errors = [u]
        for layer, slope in zip(self.layers(theta)[:0:-1], passed.slopes[::-1], strict=True):
            errors.append((errors[-1] @ layer[:-1].T) * slope)
        return errors[::-1]

    def _pull(self, theta: Array, passed: Passed, u: Array) -> Array:
        parts = []
        for a, error in zip(passed.inputs[:-1], self.errors(theta, passed, u), strict=True):
            parts += [(a.T @ error).ravel(), error.sum(axis=0)]
        return np.concatenate(parts)

    def _gradients(self, theta: Array, passed: Passed, u: Array) -> Array:
        """The same for every example by itself, (D, P)."""
        parts = []
        for a, error in zip(passed.inputs[:-1], self.errors(theta, passed, u), strict=True):
            parts += [(a[:, :, None] * error[:, None, :]).reshape(len(a), -1), error]
        return np.concatenate(parts, axis=1)

    def _push(self, theta: Array, passed: Passed, v: Array) -> Array:
        moved = passed.inputs[0]  # the inputs of the first layer do not move
        pairs = zip(self.layers(theta), self.layers(v), strict=True)
        for depth, (layer, change) in enumerate(pairs):
            carried = moved @ layer[:-1] if depth else 0.0
            moved = carried + passed.inputs[depth] @ change[:-1] + change[-1]
            if depth < len(self.hidden):
                moved = moved * passed.slopes[depth]
        return moved


@dataclass(frozen=True, eq=False)
class Passed:
    """What a forward pass keeps.

    Attributes
    ----------
    inputs : list of arrays
        Of each layer, and the output of the network.
    slopes : list of arrays
        φ′ in every hidden layer.
    """

    inputs: list[Array]
    slopes: list[Array]

    @property
    def output(self) -> Array:
        """(D, C)."""
        return self.inputs[-1]

    def rows(self, chosen: Any) -> Passed:
        """The same of some examples."""
        return Passed([a[chosen] for a in self.inputs], [a[chosen] for a in self.slopes])


def _check_probabilities(targets: Array) -> None:
    rows = targets.sum(axis=1)
    if targets.shape[1] < 2 or targets.min() < 0 or np.abs(rows - 1).max() > 1e-9:
        remedy = "cross-entropy needs probabilities of two classes or more, each row of sum 1"
        raise InvalidInput("targets", targets, remedy)
