"""The compiled chains of single samples take the stated step, which an error of 1e-6 shows."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core import stated
from limitlab.theory.core.symbols import residual
from limitlab.theory.streaming import algorithm
from limitlab.validation.simulate.streaming.lowering import lower

METHODS = {
    "SGD": ll.SGD(0.5),
    "Huber": ll.Huber(0.5, 0.4),
    "clip": ll.ClippedSGD(0.7, 0.9),
    "sign": ll.SignSGD(0.4),
}
D, STEPS = 5, 15
ROOTS = np.sqrt([2.0, 1.5, 1.0, 0.7, 0.3])
EVERY = np.arange(STEPS + 1)


def given():
    rng = np.random.default_rng(5)
    z = rng.standard_normal((STEPS, D)).astype(np.float32)
    return rng.standard_normal(D), z, rng.chisquare(3, (STEPS, D)), rng.standard_normal(STEPS)


def step_of(method, make, names, error):
    """The stated step as generated code, for arrays."""
    form = make(stated.rule(method, residual), method.acts_on)
    return np.vectorize(sp.lambdify(names, form * (1 + error), "math"))


def agree(found, expected, error):
    """Equal to rounding, or told apart where an error was planted."""
    gap = np.max(np.abs(found - expected))
    assert gap > 1e-8 if error else gap < 1e-12


def walk(method, x, error):
    """δ after the stated steps on samples x."""
    names = (algorithm.coordinate, algorithm.sample, residual, algorithm.length)
    after = step_of(method, algorithm.sample_step, (*names, algorithm.step_size), error)
    delta, _, _, noise = given()
    for row, eps in zip(x, noise, strict=True):
        length = np.linalg.norm(row) / np.linalg.norm(ROOTS)
        delta = after(delta, row, row @ delta - eps, length, method.rate / D)
    return delta


@pytest.mark.interpreted
@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("name", METHODS)
def test_the_vector_chain_takes_the_stated_step(name, error):
    lowered, (delta, z, _, noise) = lower(METHODS[name]), given()
    phi = ROOTS * delta
    lowered.kernels("vector_chain").advance(
        phi,
        ROOTS,
        ROOTS**2,
        z.ravel(),
        noise,
        0,
        float(D),
        *lowered.form,
        EVERY,
        np.empty(EVERY.size),
        lowered.parameters,
    )
    agree(phi / ROOTS, walk(METHODS[name], ROOTS * z.astype(float), error), error)


@pytest.mark.interpreted
@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("name", METHODS)
def test_the_chain_on_given_samples_takes_the_stated_step(name, error):
    lowered, (delta, z, _, noise) = lower(METHODS[name]), given()
    x = ROOTS * z.astype(float)
    lowered.kernels("sample_chain").advance(
        delta,
        x[::-1].copy(),
        np.arange(STEPS)[::-1].copy(),
        noise,
        0,
        *lowered.form,
        float(np.linalg.norm(ROOTS)),
        EVERY,
        np.empty((EVERY.size, D)),
        lowered.parameters,
    )
    agree(delta, walk(METHODS[name], x, error), error)


@pytest.mark.interpreted
@pytest.mark.parametrize("error", [0, 1e-6])
@pytest.mark.parametrize("name", ["SGD", "Huber", "clip"])
def test_the_chain_of_distances_takes_the_derived_step(name, error):
    method = METHODS[name]
    lowered, (q, z, rests, noise) = lower(method), given()
    q, trace = np.abs(q), float(np.sum(ROOTS**2))
    expected = q.copy()
    lowered.kernels("reduced_chain").advance(
        q,
        ROOTS,
        trace,
        z.ravel(),
        rests.ravel(),
        noise,
        0,
        float(D),
        *lowered.form,
        EVERY,
        np.empty(EVERY.size),
        lowered.parameters,
    )
    names = (algorithm.distance, algorithm.along, algorithm.square_across, residual)
    names += (algorithm.length, algorithm.step_size)
    after = step_of(method, algorithm.distance_step, names, error)
    for row, rest, eps in zip(ROOTS * z.astype(float), ROOTS**2 * rests, noise, strict=True):
        length = np.sqrt(np.sum(row**2 + rest) / trace)
        expected = after(expected, row, rest, row @ expected - eps, length, method.rate / D)
    agree(q, expected, error)


@pytest.mark.parametrize("name", ["SGD", "clip"])
def test_the_step_of_the_distance_is_that_of_the_vector(name):
    """In an eigenspace of three directions, δ along the first."""
    method, x = METHODS[name], np.array([0.4, -1.1, 0.3])
    names = (residual, algorithm.length, algorithm.step_size)
    values = (0.8, 1.3, 0.2)
    one = step_of(
        method, algorithm.sample_step, (algorithm.coordinate, algorithm.sample, *names), 0
    )
    symbols = (algorithm.distance, algorithm.along, algorithm.square_across)
    short = step_of(method, algorithm.distance_step, (*symbols, *names), 0)
    whole = np.linalg.norm(one(np.array([1.7, 0, 0]), x, *values))
    assert abs(short(1.7, x[0], x[1:] @ x[1:], *values) - whole) < 1e-14


def test_a_zero_gradient_moves_nothing():
    names = (algorithm.coordinate, algorithm.sample, residual, algorithm.length)
    after = step_of(METHODS["clip"], algorithm.sample_step, (*names, algorithm.step_size), 0)
    assert after(1.2, 0.5, 0.0, 1.0, 0.1) == 1.2
