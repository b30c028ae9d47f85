"""Schedules by the names under which files call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .following import AdaGradNorm, LineSearch, PolyakStep
from .schedule import constant, cosine, power_decay
from .shapes import SHAPES

SCHEDULES: Mapping[str, Callable[..., Any]] = {
    maker.__name__: maker for maker in (constant, power_decay, cosine, *SHAPES)
} | {"adagrad_norm": AdaGradNorm, "line_search": LineSearch, "polyak_step": PolyakStep}
