"""Measure the finite-size error of the mean risk again: the numbers of finite_size_table.py.

    python benchmarks/finite_size_table.py [--runs 30000] [--dimension 32] [--method sign]

Prints, for each method, rate, threshold and time, the largest |mean/theory − 1| · d over the
laws of its group and the standard error of that cell, in the layout of the table. Takes about
half an hour with the default number of runs per unit rate.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np

import limitlab as ll
from limitlab.solvers.streaming.finite_size_table import RATES, SIGN_RATES, THRESHOLDS, TRAVELLED

QUIET = (ll.NoNoise(), ll.Gaussian(0.1))
NOISY = (ll.Gaussian(0.5), ll.Rademacher(0.5), ll.Cauchy(0.3))


def bias(method, noise, dimension, runs, seed):
    """|mean/theory − 1| · d at the times where rate · t is as in the table, and its error."""
    problem = ll.LeastSquares(ll.isotropic(dimension), noise)
    times = np.concatenate([[0.0], np.maximum(np.array(TRAVELLED) / method.rate, 1 / dimension)])
    times = np.rint(times * dimension) / dimension
    theory = ll.solve(problem, method, times=times)
    ensemble = ll.simulate(problem, method, times=times, runs=runs, seed=seed)
    relative = np.abs(ensemble.risk / theory.risk - 1) * dimension
    return relative[1:], (ensemble.sem("risk") / theory.risk * dimension)[1:]


def envelope(methods, laws, dimension, runs, seed):
    """Largest error over methods and laws at each time, and the standard error of that cell."""
    cells = [bias(m, law, dimension, runs, seed) for m in methods for law in laws]
    values, errors = (np.array(part) for part in zip(*cells, strict=True))
    worst = values.argmax(axis=0)
    return values.max(axis=0), errors[worst, np.arange(worst.size)]


def show(name, numbers):
    """One row of the table and of its errors."""
    print(f"{name:32}", *(f"({', '.join(f'{x:.2f}' for x in row)})" for row in numbers), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30000, help="runs per unit rate")
    parser.add_argument("--dimension", type=int, default=32)
    parser.add_argument("--method", choices=["clipped", "sign", "both"], default="both")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ll.ValidityWarning)
    common = options.dimension, options.seed
    if options.method != "sign":
        for group, laws in (("quiet", QUIET), ("noisy", NOISY)):
            for rate in RATES:
                for c in THRESHOLDS:
                    methods = (ll.ClippedSGD(rate, c), ll.Huber(rate, c))
                    runs = int(options.runs * rate)
                    row = envelope(methods, laws, common[0], runs, common[1])
                    show(f"{group}, rate {rate}, threshold {c}", row)
    if options.method != "clipped":
        for rate in SIGN_RATES:
            runs = int(options.runs * rate)
            row = envelope((ll.SignSGD(rate),), QUIET + NOISY, common[0], runs, common[1])
            show(f"signSGD, rate {rate}", row)


if __name__ == "__main__":
    main()
