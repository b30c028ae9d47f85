"""Errors and warnings of the package: each names the field, the value and the remedy."""

from __future__ import annotations

from typing import Any


class LimitlabError(Exception):
    """Base class of every error that the package raises on purpose.

    Examples
    --------
    >>> import limitlab as ll
    >>> try:
    ...     ll.isotropic(0)
    ... except ll.LimitlabError as error:
    ...     print(error)
    d = 0: give an integer >= 1
    """


def _sentence(field: str, value: Any, remedy: str) -> str:
    shown = " ".join(_shown(value).split())
    if len(shown) > 120:
        shown = f"{shown[:117]}..."
    return f"{field} = {shown}: {remedy}"


def _shown(value: Any) -> str:
    """The repr of a value; Python refuses to print a whole number of thousands of digits."""
    try:
        return repr(value)
    except ValueError:
        if isinstance(value, int):
            return f"a whole number of {value.bit_length()} bits"
        return f"<{type(value).__name__}>"


class InvalidInput(LimitlabError, ValueError):
    """A value outside its range.

    Parameters
    ----------
    field : str
        Name of the argument as the user wrote it.
    value : object
        What was given.
    remedy : str
        What is wrong and what to give instead.

    Examples
    --------
    >>> import limitlab as ll
    >>> try:
    ...     ll.SGD(rate=-1.0)
    ... except ll.InvalidInput as error:
    ...     print(error.field, error.value, error.remedy)
    rate -1.0 give a number > 0
    """

    def __init__(self, field: str, value: Any, remedy: str) -> None:
        super().__init__(_sentence(field, value, remedy))
        self.field, self.value, self.remedy = field, value, remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.remedy)


class InvalidType(InvalidInput, TypeError):
    """A value of the wrong kind.

    Examples
    --------
    >>> import limitlab as ll
    >>> try:
    ...     ll.LeastSquares(3, ll.Gaussian(0.5))
    ... except ll.InvalidType as error:
    ...     print(error)
    covariance = 3: give a covariance such as isotropic(1000) or from_matrix(K)
    """


class NoLimit(InvalidInput):
    """The high-dimensional limit does not exist for this problem and method.

    Examples
    --------
    >>> import limitlab as ll
    >>> try:
    ...     ll.derive(ll.LeastSquares(ll.isotropic(100), ll.Cauchy(0.5)), ll.SGD(0.5))
    ... except ll.NoLimit as error:
    ...     print(error.field)
    noise
    """


class NotAvailable(InvalidInput, NotImplementedError):
    """A limit or an option that is not there; the remedy lists those that are.

    Examples
    --------
    >>> import limitlab as ll
    >>> try:
    ...     ll.SGD(0.5, sampling="epochs")
    ... except ll.NotAvailable as error:
    ...     print(error.field)
    sampling
    """


class SolveFailed(LimitlabError, RuntimeError):
    """An integration that could not be finished.

    Parameters
    ----------
    reason : str
    time, step, state : float
        Where it stopped: time reached, last step size, risk at that time.
    remark : str
        What is known of the cause.

    Examples
    --------
    >>> import limitlab as ll
    >>> print(ll.SolveFailed("too many steps", time=1.5, step=1e-9, state=0.25))
    too many steps at time = 1.5, step = 1e-09, risk = 0.25
    """

    def __init__(
        self, reason: str, time: float, step: float, state: float, remark: str = ""
    ) -> None:
        where = f"{reason} at time = {time:.6g}, step = {step:.3g}, risk = {state:.6g}"
        super().__init__(f"{where}; {remark}" if remark else where)
        self.reason, self.time, self.step, self.state = reason, time, step, state
        self.remark = remark

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.time, self.step, self.state, self.remark)


class ValidityWarning(UserWarning):
    """A theory is used outside its range; the text says how large the error is expected to be.

    Examples
    --------
    >>> import warnings
    >>> import limitlab as ll
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     _ = ll.from_eigenvalues([1.0, 0.0])
    >>> told[0].category is ll.ValidityWarning
    True
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during an ensemble.

    Parameters
    ----------
    partial : object
        What was finished by then: the Curve of the finished runs (or a list of Curves), None where
        no run was.
    done, runs : int
        How many runs were finished, of how many.

    Examples
    --------
    >>> import limitlab as ll
    >>> stopped = ll.Interrupted(partial=None, done=3, runs=200)
    >>> stopped.done, stopped.runs
    (3, 200)
    """

    def __init__(self, partial: Any = None, done: int = 0, runs: int = 0) -> None:
        super().__init__(f"{done} of {runs} runs are finished: see the attribute `partial`")
        self.partial, self.done, self.runs = partial, done, runs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.partial, self.done, self.runs)
