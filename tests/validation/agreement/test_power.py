"""False alarms and power of ``compare`` on real runs of the default ensemble.

One long simulation is cut into ensembles of 200 runs: d = 1000, 50 times up to t = 4, Gaussian
noise 0.5. Errors of ±5 % are planted in the drift and in the noise coefficient of the System.
"""

import dataclasses
from functools import cache

import numpy as np
import pytest
import sympy as sp

import limitlab as ll

RUNS, ALARM_REPETITIONS, POWER_REPETITIONS = 200, 300, 200
TIMES = np.linspace(0, 4, 51)
PROBLEM = ll.LeastSquares(ll.isotropic(1000), ll.Gaussian(0.5))
METHODS = {
    "SGD": ll.SGD(0.5),
    "signSGD": ll.SignSGD(0.4),
    "clipped SGD": ll.ClippedSGD(0.8, 1.0),
}
#: more false alarms than this have probability < 5e-4 at 1e-3 each
MOST_ALARMS = 3
LEAST_REJECTIONS = 198


@cache
def ensembles(name):
    """Return 300 independent ensembles of 200 runs."""
    runs = ll.simulate(
        PROBLEM, METHODS[name], times=TIMES, runs=RUNS * ALARM_REPETITIONS, seed=20240
    )
    parts = np.split(runs.sample("risk"), ALARM_REPETITIONS)
    return [ll.Curve.from_runs(runs.time, part) for part in parts]


def theory(name, field=None, factor=1):
    system = ll.derive(PROBLEM, METHODS[name])
    if field is not None:
        system = dataclasses.replace(system, **{field: factor * getattr(system, field)})
    return ll.solve(PROBLEM, METHODS[name], times=TIMES, system=system)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_false_alarms(name):
    line = theory(name)
    alarms = sum(ll.compare(line, e).passed is False for e in ensembles(name))
    print(f"\n{name}: {alarms} false alarms in {ALARM_REPETITIONS}")
    assert alarms <= MOST_ALARMS


@pytest.mark.slow
@pytest.mark.parametrize("factor", [sp.Rational(95, 100), sp.Rational(105, 100)], ids=str)
@pytest.mark.parametrize("field", ["drift", "source_term"])
@pytest.mark.parametrize("name", METHODS)
def test_power(name, field, factor):
    line = theory(name, field, factor)
    some = ensembles(name)[:POWER_REPETITIONS]
    rejected = sum(ll.compare(line, e).passed is False for e in some)
    print(f"\n{name}, {field} × {float(factor)}: {rejected} of {POWER_REPETITIONS} rejected")
    assert rejected >= LEAST_REJECTIONS
