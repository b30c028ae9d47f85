"""Errors and warnings of the package: each names the field, the value and the remedy."""

from __future__ import annotations

from typing import Any


class LimitlabError(Exception):
    """Base class of every error that the package raises on purpose."""


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
    """

    def __init__(self, field: str, value: Any, remedy: str) -> None:
        super().__init__(_sentence(field, value, remedy))
        self.field, self.value, self.remedy = field, value, remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.value, self.remedy)


class InvalidType(InvalidInput, TypeError):
    """A value of the wrong kind."""


class NoLimit(InvalidInput):
    """The high-dimensional limit does not exist for this problem and method."""


class NotAvailable(InvalidInput, NotImplementedError):
    """A limit or an option that is not there; the remedy lists those that are."""


class SolveFailed(LimitlabError, RuntimeError):
    """An integration that could not be finished.

    Parameters
    ----------
    reason : str
    time, step, state : float
        Where it stopped: time reached, last step size, risk at that time.
    remark : str
        What is known of the cause.
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
    """A theory is used outside its range; the text says how large the error is expected to be."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during an ensemble.

    Parameters
    ----------
    partial : object
        What was finished by then: the Curve of the finished runs (or a list of Curves), None where
        no run was.
    done, runs : int
        How many runs were finished, of how many.
    """

    def __init__(self, partial: Any = None, done: int = 0, runs: int = 0) -> None:
        super().__init__(f"{done} of {runs} runs are finished: see the attribute `partial`")
        self.partial, self.done, self.runs = partial, done, runs

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.partial, self.done, self.runs)
