"""Expressions from files: what is read is right, and hostile text is refused without being run."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from limitlab.theory.core.errors import InvalidInput, InvalidType
from limitlab.theory.core.symbols import t
from limitlab.theory.schedules.grammar import FUNCTIONS, expression

CANARY = "limitlab_canary_was_run"
HOSTILE = {
    "dunder import": f"__import__('os').system('touch {CANARY}')",
    "dunder name": "__builtins__",
    "dunder attribute": "t.__class__.__mro__",
    "subclasses": "().__class__.__base__.__subclasses__()",
    "attribute": "t.free_symbols",
    "method": "t.subs(t, 1)",
    "attribute of a number": "(1).real",
    "lambda": "(lambda: 1)()",
    "open": f"open('{CANARY}', 'w')",
    "eval": f"eval(\"open('{CANARY}', 'w')\")",
    "exec": "exec('import os')",
    "compile": "compile('1', '', 'eval')",
    "getattr": "getattr(t, 'subs')",
    "print": "print(1)",
    "list comprehension": "[x for x in (1, 2)]",
    "generator": "sum(x for x in (1, 2))",
    "dictionary comprehension": "{x: x for x in (1, 2)}",
    "f-string": "f'{1 + 1}'",
    "f-string call": f"f\"{{open('{CANARY}', 'w')}}\"",
    "string": "'t'",
    "bytes": "b't'",
    "import statement": "import os",
    "two statements": f"1; open('{CANARY}', 'w')",
    "new line": "1\nimport os",
    "assignment": "t = 1",
    "walrus": "(x := 1)",
    "tower of powers": "9**9**9",
    "tower with brackets": "(9**9)**9**9",
    "tower of t": "t**9**9**9",
    "huge exponent": "2**100000",
    "huge integer": "9" * 190,
    "huge float": "1e999",
    "exponential tower": "exp(exp(exp(100)))",
    "factorial": "factorial(10**9)",
    "deep functions": "exp(" * 30 + "t" + ")" * 30,
    "deeper than Python": "(" * 5000 + "t" + ")" * 5000,
    "deep signs": "-" * 150 + "t",
    "many terms": "+".join("t" * 100),
    "long text": "t + " * 10_000 + "t",
    "subscript": "t[0]",
    "slice": "(1, 2)[::1]",
    "starred": "exp(*[t])",
    "keyword": "exp(x=t)",
    "two arguments": "exp(t, evaluate=False)",
    "conditional": "1 if t else 2",
    "comparison": "t < 1",
    "boolean": "True",
    "and": "1 and t",
    "complex": "1j",
    "bit shift": "1 << 10**9",
    "matrix product": "t @ t",
    "modulo": "t % 1",
    "floor division": "1 // t",
    "not": "not t",
    "invert": "~t",
    "none": "None",
    "ellipsis": "...",
    "tuple": "(t, t)",
    "set": "{t}",
    "await": "await t",
    "yield": "(yield t)",
    "null byte": "t\0",
    "unknown name": "os",
    "unknown function": "Symbol('x')",
    "symbol whose name is code": "Symbol('__import__(\"os\")')",
    "function as a value": "exp",
    "division by zero": "1 / 0",
    "zero to the minus one": "0 ** -1",
    "infinite in t": "1 / (t - t)",
    "imaginary": "sqrt(-1)",
    "imaginary in t": "sqrt(-t)",
    "imaginary power": "(-8) ** 0.5",
    "empty": "",
    "blank": "   ",
}


def test_there_are_thirty_hostile_payloads():
    assert len(set(HOSTILE.values())) >= 30


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_quickly_and_not_run(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    with pytest.raises(InvalidInput) as caught:
        expression(text, "rate")
    assert time.perf_counter() - start < 1
    assert not list(tmp_path.iterdir()), "the text was executed"
    assert caught.value.field == "rate"
    assert "use numbers, t, pi" in caught.value.remedy


def test_the_canary_would_be_seen(tmp_path):
    """Negative control: run on purpose, the first payload does leave its mark."""
    code = HOSTILE["dunder import"]
    subprocess.run([sys.executable, "-c", f"import sympy; sympy.sympify({code!r})"], cwd=tmp_path)
    assert (tmp_path / CANARY).exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.4 / (1 + t)**0.5", 0.4 / (1 + t) ** 0.5),
        ("2*exp(-t/3)", 2 * sp.exp(-t / 3)),
        ("(1 + cos(pi*t/8)) / 2", (1 + sp.cos(math.pi * t / 8)) / 2),
        ("-t + +3", 3 - t),
        ("t**2 - t*t + t", t),
        ("sqrt(t) * log(1 + t)", sp.sqrt(t) * sp.log(1 + t)),
    ],
)
def test_expressions_in_t(text, value):
    assert sp.simplify(expression(text) - value) == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.4", 0.4), ("2**10", 1024), ("sqrt(2)", math.sqrt(2)), ("pi/4", math.pi / 4), (3, 3)]
    + [("t - t + 2", 2), (" 1 ", 1), ("2**-2", 0.25), ("1e-3", 1e-3)],
)
def test_constants_are_plain_numbers(text, value):
    result = expression(text)
    assert isinstance(result, (int, float))
    assert result == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}])
def test_other_types_are_refused(value):
    with pytest.raises(InvalidType, match="rate"):
        expression(value, "rate")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_agree_on_numbers_and_expressions(name):
    at = 0.7
    assert float(expression(f"{name}(t)").subs(t, at)) == pytest.approx(
        expression(f"{name}({at})"), rel=1e-14
    )


@given(st.text(alphabet="t0129.+-*/() episqrtxo_'[]:,", max_size=60))
@settings(max_examples=300, deadline=1000)
def test_any_text_is_read_or_refused(text):
    try:
        value = expression(text)
    except InvalidInput:
        return
    assert isinstance(value, (int, float)) or value.free_symbols == {t}
