"""Lower formulas to Python source that numba compiles, and to LaTeX that mathtext can draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter
from sympy.printing.pycode import PythonCodePrinter

from .atoms import cdf_across, cdf_between, exp_cdf, normal_pdf, split_exp_cdf
from .nodes import MixtureSum, PanelIntegral, PieceIntegral, TabulatedMean, component
from .program import MACHINE, scheduled
from .symbols import residual, risk, t
from .tabulated import lookup

NODES = (PieceIntegral, PanelIntegral, MixtureSum, TabulatedMean)
ARRAYS = "weights, means, scales"

PRELUDE = """\
GAUSS_X, GAUSS_W = np.polynomial.legendre.leggauss(16)
"""

PIECE = """\
@scalar
def NAME(R, t, p, m_j, s_j):
    lower, upper, c = {lower}, {upper}, {polynomial}
    if upper - lower > {scale}:
{closed}
    return {one_panel}(lower, upper, c, R, t, p, m_j, s_j)
"""

#: an integral to infinity: never short
TAIL = """\
@scalar
def NAME(R, t, p, m_j, s_j):
    lower, upper, c = {lower}, {upper}, {polynomial}
{closed}
"""

#: a polynomial with the coefficients c times a density: one panel, and panels around the centres
ONE_PANEL = """\
@scalar
def NAME(lower, upper, c, R, t, p, m_j, s_j):
    middle, half, total = 0.5 * (upper + lower), 0.5 * (upper - lower), 0.0
    for k in range(GAUSS_X.size):
        ell = middle + half * GAUSS_X[k]
        total += GAUSS_W[k] * polynomial(c, ell) * {density}(ell, R, t, p, m_j, s_j)
    return half * total
"""

FALLBACK = """\
@scalar
def NAME(lower, upper, c, R, t, p, m_j, s_j):
    scale, total = {scale}, 0.0
    centres = (0.0, lower, upper, {centres})
    far = panel_reach(centres, scale * 2.0**{octaves})
    left, last = max(lower, {first}, -far), min(upper, {last}, far)
    while left < last:
        right = panel_end(left, last, centres, scale * 2.0**-30)
        total += {one_panel}(left, right, c, R, t, p, m_j, s_j)
        left = right
    return total
"""

#: shorter polynomials are filled up with zeros, so that all are of one type
LEAST_TERMS = 5

#: sum of the sizes of terms over the size of their sum, above which rounding is too large
CANCELLING = "4e3"

#: how functions that integrate on panels are called
PANELS = "_panels"

PANEL = """\
@scalar
def NAME(R, t, p, m_j, s_j):
    lower = {lower}
    upper = {upper}
    scale = {scale}
    edges = np.empty({centres_count} * (2 * {octaves} + 63))
    filled = 0
    for centre in ({centres},):
        edges[filled] = centre
        filled += 1
        for octave in range(-30, {octaves} + 1):
            reach = scale * 2.0**octave
            edges[filled] = centre - reach
            edges[filled + 1] = centre + reach
            filled += 2
    edges = np.sort(edges[:filled])
    total = 0.0
    for i in range(filled - 1):
        left, right = max(edges[i], lower), min(edges[i + 1], upper)
        if right > left:
            middle, half = 0.5 * (left + right), 0.5 * (right - left)
            for k in range(GAUSS_X.size):
                ell = middle + half * GAUSS_X[k]
                total += half * GAUSS_W[k] * {integrand}(ell, R, t, p, m_j, s_j)
    return total
"""

LOOKUP = """\
@scalar
def lookup(t, p, start):
    n = int(p[start])
    times, values = start + 1, start + 1 + n
    low, high = 0, n - 1
    if t <= p[times]:
        return p[values]
    if t >= p[times + high]:
        return p[values + high]
    while high - low > 1:
        middle = (low + high) // 2
        if p[times + middle] <= t:
            low = middle
        else:
            high = middle
    share = (t - p[times + low]) / (p[times + high] - p[times + low])
    return p[values + low] + share * (p[values + high] - p[values + low])
"""

#: (panels, terms, edges in log R, series of each panel); a power law beyond the ends
MEAN_TABLE = """\
@scalar
def mean_series(z, p, first, terms):
    ahead, current = 0.0, 0.0
    for k in range(terms - 1, 0, -1):
        ahead, current = current, 2.0 * z * current - ahead + p[first + k]
    return z * current - ahead + p[first]


@scalar
def mean_table(R, p, start):
    panels, terms = int(p[start]), int(p[start + 1])
    edges = start + 2
    series = edges + panels + 1
    place = math.log(R)
    inside = min(max(place, p[edges]), p[edges + panels])
    low, high = 0, panels
    while high - low > 1:
        middle = (low + high) // 2
        if p[edges + middle] <= inside:
            low = middle
        else:
            high = middle
    first, width = series + low * terms, p[edges + low + 1] - p[edges + low]
    value = mean_series(2.0 * (inside - p[edges + low]) / width - 1.0, p, first, terms)
    if place == inside or value == 0.0:
        return value
    step = -1e-3 if place > inside else 1e-3
    near = mean_series(2.0 * (inside + step - p[edges + low]) / width - 1.0, p, first, terms)
    if near * value <= 0.0:
        return value
    return value * math.exp(math.log(near / value) / step * (place - inside))
"""

SUM = """\
@scalar
def NAME(R, t, p, weights, means, scales):
    total = 0.0
    for j in range(weights.size):
        total += weights[j] * {summand}(R, t, p, means[j], scales[j])
    return total
"""


class SourcePrinter(PythonCodePrinter):
    """Print expressions as Python; collect the functions that unevaluated nodes need.

    Parameters
    ----------
    parameters : tuple of sympy symbols
        Their order is the order of the array ``p`` in compiled code.
    calls : mapping
        Text of the call for every undefined function, e.g. ``{"mu": "mu(R, t, p, …)"}``.
    """

    #: whether atoms are handed the differences in which their arguments cancel
    splits = True

    def __init__(self, parameters: tuple[Any, ...], calls: Mapping[str, str]) -> None:
        super().__init__({"fully_qualified_modules": True, "allow_unknown_functions": True})
        self._names = {symbol: f"p[{i}]" for i, symbol in enumerate(parameters)}
        self._names |= {risk: "R", t: "t", residual: "ell"}
        self._calls = dict(calls)
        self.functions: list[str] = []
        self._named: dict[str, str] = {}

    @classmethod
    def beside(cls, other: SourcePrinter, calls: Mapping[str, str]) -> SourcePrinter:
        """Return a printer with the parameters of another one and one numbering of functions."""
        printer = cls((), calls)
        printer._names, printer.functions = other._names, other.functions
        printer._named = other._named
        return printer

    def function(self, name: str, arguments: str, expression: Any, floor: bool = False) -> str:
        """Return the text of a compiled function that evaluates ``expression``."""
        lines = ["@scalar", f"def {name}({arguments}):"]
        if floor:
            lines.append("    R = max(R, 1e-300)")
        return "\n".join([*lines, self._body(expression, 4)]) + "\n"

    def _body(self, expression: Any, indent: int) -> str:
        expression, programs = self._run_first(sp.sympify(expression))
        lowered = self._without_nodes(expression)
        replacements, (reduced,) = sp.cse(lowered, sp.numbered_symbols("x"), order="none")
        pad = " " * indent
        lines = [f"{pad}{line}" for line in programs]
        lines += [f"{pad}{s.name} = {self.doprint(e)}" for s, e in replacements]
        return "\n".join([*lines, f"{pad}return {self.doprint(reduced)}"])

    def _run_first(self, expression: Any) -> tuple[Any, list[str]]:
        """Replace the schedules outside nodes by names, which keep their formulas out of the text,
        and return the lines that give them their values."""
        inside = [n for n in sp.preorder_traversal(expression) if isinstance(n, NODES)]
        nodes = {n: sp.Dummy() for n in inside}
        hidden = expression.xreplace(nodes)
        found = sorted(hidden.atoms(scheduled), key=lambda s: s.args[1].name)
        if not found:
            return expression, []
        names = {s: sp.Symbol(f"q{k}", nonnegative=True) for k, s in enumerate(found)}
        lines = [f"{names[s].name} = {self._run(s)}" for s in found]
        back = {dummy: node for node, dummy in nodes.items()}
        return hidden.xreplace(names).xreplace(back), lines

    def _run(self, schedule: Any) -> str:
        """The call that runs the program of a schedule."""
        if MACHINE not in self.functions:
            self.functions.append(MACHINE)
        return f"run_program(t, p, int({self._print(schedule.args[1])}))"

    def _without_nodes(self, expression: Any) -> Any:
        """Replace every outermost node by a symbol whose name is the call that computes it."""
        if isinstance(expression, NODES):
            return sp.Symbol(self._node(expression), real=True)
        if self.splits and isinstance(expression, exp_cdf):
            return split_exp_cdf.of(expression)
        if self.splits and isinstance(expression, cdf_between):
            return cdf_across.of(expression)
        if not expression.args or isinstance(expression, AppliedUndef):
            return expression
        return expression.func(*(self._without_nodes(a) for a in expression.args))

    def _node(self, node: Any) -> str:
        if isinstance(node, TabulatedMean):
            return self._table(node)
        if isinstance(node, MixtureSum):
            return self._sum(node)
        name = self._piece(node) if isinstance(node, PieceIntegral) else self._panels(node)
        inside = any(node.has(symbol) for symbol in component)
        return f"{name}(R, t, p, {'m_j, s_j' if inside else '0.0, 0.0'})"

    def _panels(self, node: Any) -> str:
        integrand = self._define("integrand", "ell, R, t, p, m_j, s_j", node.integrand)
        text = PANEL.format(
            lower=self.doprint(node.interval[0]),
            upper=self.doprint(node.interval[1]),
            scale=self.doprint(node.scale),
            integrand=integrand,
            centres=", ".join(f"1.0*({self.doprint(c)})" for c in node.centres),
            centres_count=len(node.centres),
            octaves=node.octaves,
        )
        return self._function(PANELS, text)

    def _piece(self, node: Any) -> str:
        lower, upper = node.interval
        short = sp.oo not in (upper, -lower)
        density = self._define("density", "ell, R, t, p, m_j, s_j", node.density)
        one_panel = self._function("_one_panel", ONE_PANEL.format(density=density))
        coefficients = sp.Poly(node.polynomial, node.variable).all_coeffs()[::-1]
        coefficients += [0] * (LEAST_TERMS - len(coefficients))
        text = (PIECE if short else TAIL).format(
            lower=self._float(lower),
            upper=self._float(upper),
            polynomial=f"({', '.join(map(self._float, coefficients))})",
            scale=self.doprint(node.scale),
            closed=self._closed(node, one_panel, 8 if short else 4),
            one_panel=one_panel,
        )
        return self._function("_integral", text)

    def _float(self, expression: Any) -> str:
        """Print a number so that it is never an integer to the compiler."""
        expression = sp.sympify(expression)
        return (
            repr(float(expression))
            if expression.is_Number and expression.is_finite
            else self.doprint(expression)
        )

    def _closed(self, node: Any, one_panel: str, indent: int) -> str:
        """Return the lines that return a closed form; on panels where its terms cancel."""
        if not node.panels:
            return self._body(node.closed, indent)
        closed, programs = self._run_first(node.closed)
        terms = [self._without_nodes(term) for term in sp.Add.make_args(closed)]
        shared, reduced = sp.cse(terms, sp.numbered_symbols("x"), order="none")
        lines = [*programs, *(f"{symbol.name} = {self.doprint(value)}" for symbol, value in shared)]
        names = [f"y{k}" for k in range(len(reduced))]
        lines += [f"{y} = {self.doprint(term)}" for y, term in zip(names, reduced, strict=True)]
        sizes = " + ".join(f"abs({y})" for y in names)
        lines += [
            f"total = {' + '.join(names)}",
            f"if {sizes} <= {CANCELLING} * abs(total):",
            "    return total",
            f"return {self._fallback(node, one_panel)}(lower, upper, c, R, t, p, m_j, s_j)",
        ]
        return "\n".join(" " * indent + line for line in lines)

    def _fallback(self, node: Any, one_panel: str) -> str:
        centres, octaves, (first, last) = node.panels
        text = FALLBACK.format(
            scale=self.doprint(node.scale),
            centres="".join(f"{self._float(c)}, " for c in centres).rstrip(),
            octaves=octaves,
            first=self._float(first),
            last=self._float(last),
            one_panel=one_panel,
        )
        return self._function("_fallback", text)

    def _table(self, node: TabulatedMean) -> str:
        if MEAN_TABLE not in self.functions:
            self.functions.append(MEAN_TABLE)
        return f"mean_table(R, p, int({self._print(node.symbol)}))"

    def _sum(self, node: MixtureSum) -> str:
        summand = self._define("summand", "R, t, p, m_j, s_j", node.summand)
        return f"{self._function('_sum', SUM.format(summand=summand))}(R, t, p, {ARRAYS})"

    def _define(self, kind: str, arguments: str, expression: Any) -> str:
        return self._function(f"_{kind}", self.function("NAME", arguments, expression))

    def _function(self, kind: str, text: str) -> str:
        """Return the name of a function, which is written out once."""
        if text not in self._named:
            name = f"{kind}{len(self.functions)}"
            self.functions.append(text.replace("def NAME(", f"def {name}("))
            self._named[text] = name
        return self._named[text]

    def _print_Symbol(self, expr: Any) -> str:
        return self._names.get(expr, expr.name)

    def _print_Function(self, expr: Any) -> str:
        if isinstance(expr, AppliedUndef):
            call = self._calls[expr.func.__name__]
            return call.format(*(self._print(a) for a in expr.args))
        arguments = ", ".join(self._print(a) for a in expr.args)
        if isinstance(expr, scheduled):  # in the bounds of an integral
            return self._run(expr)
        if isinstance(expr, lookup):
            return self._lookup(*(self._print(a) for a in expr.args))
        if isinstance(expr, (normal_pdf, cdf_between, cdf_across, exp_cdf, split_exp_cdf)):
            return f"{expr.func.__name__}({arguments})"
        return super()._print_Function(expr)

    def _lookup(self, time: str, table: str) -> str:
        if LOOKUP not in self.functions:
            self.functions.append(LOOKUP)
        return f"lookup({time}, p, int({table}))"

    def _print_Float(self, expr: Any) -> str:
        return repr(float(expr))

    def _print_Rational(self, expr: Any) -> str:
        return f"{expr.p}.0/{expr.q}.0"

    def _print_Abs(self, expr: Any) -> str:
        return f"abs({self._print(expr.args[0])})"

    def _print_sign(self, expr: Any) -> str:
        inner = self._print(expr.args[0])
        return f"(1.0 if {inner} > 0.0 else (-1.0 if {inner} < 0.0 else 0.0))"

    def _print_Heaviside(self, expr: Any) -> str:
        inner = self._print(expr.args[0])
        return f"(1.0 if {inner} > 0.0 else (0.0 if {inner} < 0.0 else 0.5))"

    def _print_Infinity(self, expr: Any) -> str:
        return "math.inf"

    def _print_NegativeInfinity(self, expr: Any) -> str:
        return "-math.inf"


class FormulaPrinter(LatexPrinter):
    """LaTeX without environments, so that matplotlib's mathtext can draw it too."""

    def _print_Piecewise(self, expr: Any) -> str:
        """Print a sum of branches, each times the indicator of its condition."""
        parts, earlier = [], sp.true
        for value, condition in expr.args:
            here = sp.And(earlier, condition)
            earlier = sp.And(earlier, sp.Not(condition))
            if value != 0:
                indicator = rf"\mathbf{{1}}\left[{self._print(here)}\right]"
                parts.append(rf"\left({self._print(value)}\right){indicator}")
        return " + ".join(parts)


def latex(expression: Any) -> str:
    """Return one line of LaTeX for a formula of this package."""
    return FormulaPrinter().doprint(expression)
