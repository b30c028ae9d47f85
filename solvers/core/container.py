"""Results as bytes: a line of JSON that says what they are, their arrays, and a checksum over all.

No pickle: what is read back is built of numbers, text, arrays, lists, dicts and the package's own
dataclasses. A file that was cut or changed anywhere is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from importlib import import_module
from typing import Any

import numpy as np

_MAGIC = b"limitlab results 1\n"
_PACKAGE = __name__.split(".")[0]
_KINDS = "biufUS"


class Damaged(ValueError):
    """Bytes that are not what was written."""


def encode(value: Any) -> bytes:
    """Return a value as bytes that `decode` reads.

    Raises
    ------
    TypeError
        A part of it is of a kind that is not kept.
    """
    arrays: list[np.ndarray] = []
    tree = json.dumps({"value": _plain(value, arrays), "arrays": [_head(a) for a in arrays]})
    body = b"".join([_MAGIC, tree.encode(), b"\n", *(a.tobytes() for a in arrays)])
    return body + hashlib.sha256(body).digest()


def decode(content: bytes) -> Any:
    """Return the value in the bytes of `encode`.

    Raises
    ------
    Damaged
        Cut, changed, or something else.
    """
    body, digest = content[:-32], content[-32:]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        raise Damaged("its checksum does not fit")
    line, _, data = body[len(_MAGIC) :].partition(b"\n")
    head = json.loads(line)
    arrays, place = [], 0
    for dtype, shape in head["arrays"]:
        array = np.frombuffer(data, dtype, int(np.prod(shape)), place).reshape(shape)
        place += array.nbytes
        arrays.append(array)
    return _built(head["value"], arrays)


def _head(array: np.ndarray) -> tuple[str, tuple[int, ...]]:
    return array.dtype.str, array.shape


def _plain(value: Any, arrays: list[np.ndarray]) -> Any:
    """The value in JSON: lists and dicts carry their kind in front, arrays their number."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        arrays.append(np.ascontiguousarray(value).reshape(value.shape))
        return ["array", len(arrays) - 1]
    if isinstance(value, np.generic):
        return _plain(value.item(), arrays)
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_plain(one, arrays) for one in value)]
    if isinstance(value, dict):
        pairs = [[_plain(k, arrays), _plain(v, arrays)] for k, v in value.items()]
        return ["dict", *pairs]
    kind = type(value)
    if dataclasses.is_dataclass(value) and kind.__module__.split(".")[0] == _PACKAGE:
        fields = [_plain(getattr(value, f.name), arrays) for f in dataclasses.fields(value)]
        return ["object", f"{kind.__module__}:{kind.__qualname__}", *fields]
    raise TypeError(f"results of the kind {kind.__name__} are not kept")


def _built(tree: Any, arrays: list[np.ndarray]) -> Any:
    if not isinstance(tree, list):
        return tree
    kind, *parts = tree
    if kind == "array":
        return arrays[parts[0]]
    if kind == "object":
        module, name = parts[0].split(":")
        found: Any = getattr(import_module(module), name)
        known: bool = dataclasses.is_dataclass(found)
        if module.split(".")[0] != _PACKAGE or not known:
            raise Damaged(f"{parts[0]} is no result")
        return found(*(_built(part, arrays) for part in parts[1:]))
    if kind == "dict":
        return {_built(k, arrays): _built(v, arrays) for k, v in parts}
    built = [_built(part, arrays) for part in parts]
    return tuple(built) if kind == "tuple" else built
