"""The risk ODE at equal accuracy: compression and a compiled solver, against scipy and diffrax."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

import limitlab as ll
from limitlab.solvers.streaming import compress, ode
from limitlab.solvers.streaming.coefficients import Coefficients
from limitlab.theory.streaming import modes
from limitlab.theory.streaming.derive import bind

from . import ode_peers
from .clipping import Case
from .clock import race
from .contest import NOT_INSTALLED, Entry, rows_of
from .report import Row, Table, at_least, at_most

ERROR = 1e-6
TOLERANCES = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
#: nodes a measure
NODES = 12
#: LSODA keeps m² numbers
LSODA_MODES = 2000
MANY = 100_000
SECOND = "limitlab, solve (second call)"
GOALS = {
    100: {"scipy": at_least(20), "diffrax": at_least(4)},
    10_000: {"diffrax": at_least(10)},
    1_000_000: {"scipy": at_least(300), "diffrax": at_least(150)},
}
Solver = Callable[[float], np.ndarray]


def coefficients_of(case: Case) -> Coefficients:
    system = ll.derive(case.problem, case.method)
    return Coefficients.of(system.source, bind(system, case.problem, case.method))


def spectrum_of(case: Case) -> compress.Spectrum:
    found = case.modes
    return compress.Spectrum(found.rates, found.energies, found.sources)


def reference(case: Case) -> np.ndarray:
    """Far more nodes and a far smaller tolerance than anyone here uses."""
    small = compress.compress(compress.bin_spectrum(spectrum_of(case)), 40)
    return ode.integrate(coefficients_of(case), small, case.times, 1e-12)


def engine(case: Case) -> Solver:
    """Bin, compress (as `solve` does: where it pays) and integrate.

    Nothing but compiled code is kept between calls.
    """
    coefficients = coefficients_of(case)

    def risk(rtol: float) -> np.ndarray:
        whole = spectrum_of(case)
        few = whole.count <= compress.FEW_MODES
        small = whole if few else compress.compress(compress.bin_spectrum(whole), NODES)
        return ode.integrate(coefficients, small, case.times, rtol)

    return risk


def public(case: Case) -> Solver:
    """`solve`, with its error estimate, its sensitivities and the announced finite-size error."""

    def risk(rtol: float) -> np.ndarray:
        return ll.solve(case.problem, case.method, times=case.times, rtol=max(rtol, 1e-12)).risk

    return risk


def _caches() -> list[Callable[[], None]]:
    """The functions that forget what earlier calls with the same problem have left behind."""
    members = [value for room in (compress, modes) for value in vars(room).values()]
    return [member.cache_clear for member in members if hasattr(member, "cache_clear")]


def forgetful(solver: Solver) -> Solver:
    """The same, made to forget modes and bins before every call."""
    clear = _caches()

    def risk(rtol: float) -> np.ndarray:
        for forget in clear:
            forget()
        return solver(rtol)

    return risk


def error_of(risk: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(np.asarray(risk) / exact - 1)))


@dataclass(frozen=True)
class Attempt:
    """The loosest tolerance whose answer is good enough, the error, and what the call took."""

    rtol: float
    error: float
    seconds: float


def attempt(solver: Solver, exact: np.ndarray, candidates: tuple[float, ...]) -> Attempt | None:
    """Try tolerances until one suffices; None where none does."""
    for rtol in candidates:
        start = time.process_time()
        risk = solver(rtol)
        seconds = time.process_time() - start
        if error_of(risk, exact) <= ERROR:
            return Attempt(rtol, error_of(risk, exact), seconds)
    return None


def _builders(case: Case) -> dict[str, tuple[str, Callable[[], Solver]]]:
    """Name → (family, function that builds the solver)."""
    found: dict[str, tuple[str, Callable[[], Solver]]] = {
        "limitlab, compress + integrate": ("", lambda: engine(case)),
        "limitlab, solve (modes and bins forgotten)": ("", lambda: forgetful(public(case))),
        SECOND: ("", lambda: public(case)),
    }
    sides = {"numba": ode_peers.numba_rhs}
    if case.m < MANY:
        sides["numpy"] = ode_peers.numpy_rhs
    names = ("RK45", "DOP853", "LSODA") if case.m <= LSODA_MODES else ("RK45", "DOP853")
    for name in names:
        for side, rhs in sides.items():
            found[f"scipy {name}, {side} right-hand side"] = (
                "scipy",
                lambda name=name, rhs=rhs: ode_peers.scipy_solver(case, name, rhs(case)),
            )
    found["diffrax Tsit5, compiled"] = ("diffrax", lambda: ode_peers.diffrax_solver(case))
    return found


@dataclass
class Field:
    """Everyone at one size: those that are there, at tolerances that suffice."""

    entries: list[Entry] = field(default_factory=list)
    calls: dict[str, Callable] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    def enter(self, entry: Entry, exact: np.ndarray, candidates: tuple[float, ...]) -> None:
        """Build a solver and find its tolerance."""
        self.entries.append(entry)
        try:
            solver = entry.build()
        except ImportError:
            self.remarks[entry.name] = NOT_INSTALLED
            return
        found = attempt(solver, exact, candidates)
        if found is None:
            self.remarks[entry.name] = f"an error of {ERROR:g} was not reached"
            return
        self.attempts[entry.name] = found
        self.remarks[entry.name] = f"rtol {found.rtol:g}, error {found.error:.1e}"
        self.calls[entry.name] = lambda: solver(found.rtol)

    def costs(self, many: bool) -> dict[str, float]:
        """Milliseconds; a scipy solver that takes seconds is not called again."""
        done = [e.name for e in self.entries if many and e.family == "scipy"]
        ours = {name: call for name, call in self.calls.items() if name.startswith("limitlab")}
        rest = {n: c for n, c in self.calls.items() if n not in ours and n not in done}
        timings = race(ours, 20, 2.0) | race(rest, 1 if many else 9, 1.0, warm=not many)
        found = {name: 1e3 * timing.best for name, timing in timings.items()}
        found |= {n: 1e3 * self.attempts[n].seconds for n in done if n in self.attempts}
        return found | {"median": 1e3 * timings[SECOND].median}


def field_of(case: Case, tolerances: dict[str, float]) -> Field:
    """Everyone at one size.

    `tolerances` remembers what sufficed at the size before, where the search then begins.
    """
    exact, found = reference(case), Field()
    for name, (family, build) in _builders(case).items():
        first = tolerances.get(name, TOLERANCES[0])
        candidates = tuple(rtol for rtol in TOLERANCES if rtol <= first)
        found.enter(Entry(name, build, 1, family), exact, candidates)
    tolerances |= {name: one.rtol for name, one in found.attempts.items()}
    return found


def table(case: Case, tolerances: dict[str, float]) -> Table:
    """Milliseconds for one curve."""
    found = field_of(case, tolerances)
    costs = found.costs(case.m >= MANY)
    rows = rows_of(found.entries, costs, GOALS.get(case.m, {}), found.remarks)
    if case.m == 1_000_000:
        median, goal = costs["median"], at_most(15, "ms")
        rows.insert(3, Row(f"{SECOND}, median of 20", median, None, goal, found.remarks[SECOND]))
    title = f"Risk ODE, m = {case.m:g} eigenvalues"
    caption = (
        f"Clipped SGD, {case.outputs} outputs, λ_max t ≤ {case.horizon:g}; ms for a curve whose "
        f"relative error is at most {ERROR:g} everywhere; one thread."
    )
    return Table(title, "ms", rows, "to limitlab", caption)


def tables(quick: bool) -> Iterator[Table]:
    """One table a size."""
    tolerances: dict[str, float] = {}
    for m in (100, 10_000) if quick else (100, 10_000, 1_000_000):
        print(f"ode: m = {m:g} ...", file=sys.stderr, flush=True)
        yield table(Case(m), tolerances)
