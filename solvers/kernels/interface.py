"""The names that a generated module defines before a template begins.

A template imports them from here between two marker lines, so that editors and type checkers see
them; `compile.load` strips that import and puts the real definitions in its place. Called
directly, these stand-ins refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def scalar(function: Function) -> Function:
    """Leave a function as it is (a generated module compiles it, without the interpreter's
    lock)."""
    return function


def pasted(function: Function) -> Function:
    """Leave a function as it is (a generated module pastes it into its caller: where there is one
    caller, that is half as much to compile)."""
    return function


def loops(function: Function) -> Function:
    """Leave a function as it is (a generated module compiles it with sums in any order)."""
    return function


def _only_generated(name: str) -> Any:
    raise NotImplementedError(
        f"{name} exists only in a generated module: use limitlab.solvers.core.compile.load"
    )


def any_law() -> tuple[Any, Any, Any, Any]:
    """Return parameter values and a mixture for a warm-up, which may evaluate coefficients."""
    return _only_generated("any_law")


def rate(t: float, p: Any) -> float:
    """Step size η(t) from the parameter values `p`."""
    return _only_generated("rate")


def decay(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Coefficient A(R, t) of −λ_i y_i."""
    return _only_generated("decay")


def source(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Coefficient B(R, t) of c_i."""
    return _only_generated("source")


def rule(residual: float, t: float, p: Any) -> float:
    """The method's scalar rule ψ(ℓ)."""
    return _only_generated("rule")


def adapt(n: float, d: float, p: Any) -> None:
    """Move the parameters `p` after a gradient of norm n, in a step of length 1/d in time."""
    _only_generated("adapt")


def mu(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Mean slope E ψ′(ℓ) at risk R."""
    return _only_generated("mu")


def power(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Mean square E ψ(ℓ)² at risk R."""
    return _only_generated("power")


def transform(s: float, R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Transform E e^(−sℓ²) of a residual at risk R, s > 0."""
    return _only_generated("transform")


def complex_transform(
    s: complex, R: float, t: float, p: Any, weights: Any, means: Any, scales: Any
) -> complex:
    """Transform E e^(−sℓ²) of a residual at risk R, continued in s."""
    return _only_generated("complex_transform")


def relaxation(lambda_i: float, eta: float, d: float, p: Any) -> float:
    """Coefficient of y_i in the exact mean's change of y_i in one step."""
    return _only_generated("relaxation")


def risk_gain(eta: float, d: float, p: Any) -> float:
    """Coefficient of R c_i in the exact mean's change of y_i in one step."""
    return _only_generated("risk_gain")


def noise_gain(eta: float, d: float, p: Any) -> float:
    """Coefficient of c_i in the exact mean's change of y_i in one step."""
    return _only_generated("noise_gain")


def noise_diagonal(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Strength D of λ_i² y_i δ_ij in the covariance of one step."""
    return _only_generated("noise_diagonal")


def noise_pair(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Strength E of λ_i y_i λ_j y_j in the covariance of one step."""
    return _only_generated("noise_pair")


def noise_cross(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Strength F of c_i λ_j y_j + c_j λ_i y_i in the covariance of one step."""
    return _only_generated("noise_cross")


def noise_source(R: float, t: float, p: Any, weights: Any, means: Any, scales: Any) -> float:
    """Strength H of c_i c_j in the covariance of one step."""
    return _only_generated("noise_source")


def advance(t: int, *state: Any) -> float:
    """One step in place: of a recursion, (p, arrays), which returns what is watched; of a map,
    (x, p, arrays)."""
    return _only_generated("advance")


def observe(t: int, x: Any, p: Any, arrays: Any, seen: Any) -> None:
    """Write the observed numbers of a map into `seen`."""
    _only_generated("observe")


def keep(place: int, x: Any, p: Any, arrays: Any, kept: Any) -> None:
    """Write the arrays of a map that are recorded whole at this place."""
    _only_generated("keep")


def mode_rates(
    y: float, u: float, w: float, k: float, V: float, P: float, eta: float, c_1: float, c: float
) -> tuple[float, ...]:
    """Time derivatives of the states of one mode of Adam."""
    return _only_generated("mode_rates")


def memory_rate(V: float, P: float, c_2: float) -> float:
    """Time derivative of the second moment that Adam remembers."""
    return _only_generated("memory_rate")


#: how many moments the states of a mode have on a stream with memory
MOMENTS = 0


def dynamics(t: float, p: Any, own: Any, pulled: Any, pushed: Any) -> None:
    """Fill Λ, Π and Σ of a stream with memory, where they are not 0."""
    _only_generated("dynamics")


def one_step(
    lambda_i: float, t: float, d: float, p: Any, own: Any, from_risk: Any, from_noise: Any
) -> None:
    """Fill the matrix of the mean of one step with memory, and what R and 1 add to it."""
    _only_generated("one_step")


def gains(t: float, p: Any, out: Any) -> None:
    """Fill what a gradient does to each state of a mode in a unit of time."""
    _only_generated("gains")


#: how many states a coordinate has in a run with memory, and which is the average (0: none)
STATES, AVERAGED = 0, 0


def coefficients(t: float, d: float, p: Any) -> tuple[float, ...]:
    """Return the numbers of a step with memory at a time."""
    return _only_generated("coefficients")


def moved(c: Any, old: Any, g: float) -> tuple[float, ...]:
    """Return the states of a coordinate after a step along the gradient g."""
    return _only_generated("moved")


def read_states(state: Any, i: int) -> tuple[float, ...]:
    """Return the states of coordinate i."""
    return _only_generated("read_states")


def write_states(state: Any, i: int, new: Any) -> None:
    """Write the states of coordinate i."""
    _only_generated("write_states")


def next_slope(slope: float, x: float, beta1: float) -> float:
    """Average of ξ² after one more sample, over Adam's stream."""
    return _only_generated("next_slope")


def next_cross(cross: float, x: float, step: float, beta1: float, beta2: float) -> float:
    """Sum of ξ⁴ℓ² with the shares of both averages, after one more sample."""
    return _only_generated("next_cross")


def next_square(square: float, step: float, beta2: float) -> float:
    """Average of ξ²ℓ² after one more sample."""
    return _only_generated("next_square")


def weight_of(square: float) -> float:
    """What a gradient is multiplied by at this second moment."""
    return _only_generated("weight_of")


def drift_sample(slope: float, cross: float, weight: float) -> float:
    """What is averaged for g_A."""
    return _only_generated("drift_sample")


def next_ahead(ahead: float, weight: float, beta1: float) -> float:
    """Weights of the steps ahead, with one more."""
    return _only_generated("next_ahead")


def variance_sample(step: float, ahead: float) -> float:
    """What is averaged for s_A²."""
    return _only_generated("variance_sample")


def y_after_of(z: float, y: float, pull: float, eta: float, mu: float) -> float:
    """Velocity of a run on a linear model after a step."""
    return _only_generated("y_after_of")


def z_after_of(z: float, y_after: float) -> float:
    """Residual of a run on a linear model after a step."""
    return _only_generated("z_after_of")


def s_of(z: float, xi: float, xi_mean: float, c: float, nu: float, D: float) -> float:
    """Noise of an example in the batch."""
    return _only_generated("s_of")


def s_homogenised_of(z_norm: float, xi: float, c: float) -> float:
    """Noise of an example where all have the same variance."""
    return _only_generated("s_homogenised_of")


#: the control of the stepper's tableau (stepping/tsitouras.py)
CONTROL = (False, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def attempt(now: Any, new: Any, t: float, h: float, room: Any, model: Any) -> float:
    """Take one step of an adaptive solution (stepping/adaptive.py)."""
    return _only_generated("attempt")


def error(now: Any, new: Any, h: float, room: Any, model: Any) -> float:
    """Largest relative error of a step of an adaptive solution."""
    return _only_generated("error")


def between(
    now: Any, new: Any, h: float, theta: float, room: Any, model: Any, out: Any, place: int
) -> None:
    """Write what is watched at the fraction θ of a step of an adaptive solution."""
    _only_generated("between")


def defect(risk: float, equation: Any) -> tuple[float, tuple[float, ...]]:
    """By how much an implicit step's equation is missed (stepping/secant.py)."""
    return _only_generated("defect")
