"""Formulas as MathML, which browsers set themselves: no script, no network."""

from __future__ import annotations

import re
import shutil
from html import escape
from pathlib import Path
from typing import Any

import ziamath
from docutils import nodes
from latex2mathml.converter import convert

_FONT = Path(ziamath.__file__).parent / "fonts" / "STIXTwoMath-Regular.ttf"
#: environments that the converter calls by another name
_ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|gathered|split)\}")
#: what is set as it is, or a name of several letters, which is no product of them
_WORD = re.compile(
    r"\\(?:begin|end|text|operatorname|math\w+)\*?\{[^{}]*\}|\\[A-Za-z]+"
    r"|(?<![A-Za-z])(?P<name>[A-Z]?[a-z]{3,})(?![A-Za-z])"
)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("build-finished", _copy_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def markup(tex: str, display: str) -> str:
    """Return MathML for one formula; a failure names the formula."""
    text = _ALIGNED.sub(r"\\\1{align*}", _WORD.sub(_upright, " ".join(tex.split())))
    if r"\\" in text and r"\begin" not in text:
        text = rf"\begin{{align*}}{text}\end{{align*}}"
    try:
        return convert(text, display=display)
    except Exception as error:
        raise ValueError(f"no MathML for the formula {tex!r}: {error!r}") from error


def _upright(found: re.Match[str]) -> str:
    return rf"\text{{{found['name']}}}" if found["name"] else found[0]


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(markup(node.astext(), "inline"))
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    for part in re.split(r"\n\s*\n", node.astext()):
        if part.strip():
            label = escape(" ".join(part.split()), quote=True)
            writer.body.append(f'<div class="formula" data-tex="{label}">')
            writer.body.append(f"{markup(part, 'block')}</div>\n")
    raise nodes.SkipNode


def _copy_font(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        shutil.copy(_FONT, Path(app.outdir) / "_static" / _FONT.name)
