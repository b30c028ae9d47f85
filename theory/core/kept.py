"""A formula that comes back from a pickle as it was.

sympy evaluates what it reads, so that a product which a derivation left open comes back multiplied
out, and a system would not be equal to its own copy. Here a node is made again as it evaluates
where that gives the same arguments, and without evaluation where it does not.
"""

from __future__ import annotations

import io
import pickle
from contextlib import suppress
from typing import Any

import sympy as sp
from sympy.core.operations import AssocOp, LatticeOp


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, sp.Basic) and obj.args and obj.__getnewargs__() == obj.args:
            return node, (type(obj), obj.args)
        return NotImplemented


def node(kind: Any, args: tuple[Any, ...]) -> Any:
    """Return the node of these arguments, evaluated only where that leaves them alone."""
    made: Any = kind(*args)
    if type(made) is kind and made.args == args:
        return made
    if issubclass(kind, AssocOp) and not issubclass(kind, LatticeOp):
        return kind._from_args(args)
    made = None
    with suppress(TypeError):
        made = kind(*args, evaluate=False)
    return made if made is not None and made.args == args else _raw(kind, args)


def _raw(kind: Any, args: tuple[Any, ...]) -> Any:
    """The node without its constructor; what an Add or a Sum keeps beside its arguments is set."""
    made: Any = sp.Basic.__new__(kind, *args)
    if not isinstance(getattr(kind, "is_commutative", None), bool | property):
        made.is_commutative = all(getattr(a, "is_commutative", True) for a in args)
    return made


def written(state: Any) -> bytes:
    """A pickle of anything that holds formulas; ``pickle.loads`` gives it back as it was."""
    buffer = io.BytesIO()
    _Pickler(buffer).dump(state)
    return buffer.getvalue()


def again(kind: type, state: bytes) -> Any:
    """Return the object of a class with this state."""
    made: Any = object.__new__(kind)
    made.__dict__.update(pickle.loads(state))
    return made
