"""What the verbs and the checks refuse by name, with the remedy."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import limitlab as ll
from limitlab.theory.core.checks import array, count, number

PROBLEM = ll.LeastSquares(ll.isotropic(50), ll.Gaussian(0.5))
LINEAR = ll.LinearModel(jacobian=np.eye(3, 5), residual=np.ones(3))
VERBS = {
    "derive": lambda problem, method: ll.derive(problem, method),
    "solve": lambda problem, method: ll.solve(problem, method, 1),
    "simulate": lambda problem, method: ll.simulate(problem, method, 1),
}


@pytest.mark.parametrize("problem", [PROBLEM, LINEAR])
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("method", [5, None, "sgd", object(), 0.5, np.ones(3), PROBLEM])
def test_what_is_no_method_is_refused(problem, verb, method):
    with pytest.raises(ll.InvalidType, match="^method = .*give a method"):
        VERBS[verb](problem, method)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("kind", [ll.SGD, ll.SignSGD, ll.Adam, ll.GradientDescent, int])
def test_a_class_in_place_of_an_object_is_named(verb, kind):
    with pytest.raises(ll.InvalidType, match=rf"give an object of it, such as {kind.__name__}"):
        VERBS[verb](PROBLEM, kind)


@pytest.mark.parametrize("verb", VERBS)
def test_a_class_in_place_of_a_problem_is_named(verb):
    with pytest.raises(ll.InvalidType, match="^problem = "):
        VERBS[verb](ll.LeastSquares, ll.SGD(0.5))


@pytest.mark.parametrize("verb", ["solve", "simulate"])
@pytest.mark.parametrize("methods", [[], [ll.SGD(0.5), 5], [ll.SGD]])
def test_lists_hold_methods(verb, methods):
    with pytest.raises(ll.InvalidInput, match="^method = "):
        VERBS[verb](PROBLEM, methods)


def test_a_list_of_methods_is_solved_one_by_one():
    methods = [ll.SGD(0.5), ll.SGD(0.25)]
    curves = ll.solve(PROBLEM, methods, until=1, points=5)
    assert curves == [ll.solve(PROBLEM, method, until=1, points=5) for method in methods]
    assert curves[0].risk[-1] < curves[1].risk[-1]


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: ll.solve(PROBLEM, ll.SGD(0.5), 1, limit="sde", runs=10), "did you mean paths"),
        (lambda: ll.simulate(PROBLEM, ll.SGD(0.5), 1, paths=10), "did you mean runs"),
        (lambda: ll.solve(PROBLEM, ll.SGD(0.5), 1, pionts=10), "did you mean points"),
    ],
)
def test_an_option_of_the_other_verb_is_named(call, hint):
    with pytest.raises(ll.NotAvailable, match=hint):
        call()


@pytest.mark.parametrize("beta1", [0.0, 0.9])
def test_adam_without_memory_of_v_is_refused_by_both_verbs(beta1):
    for verb in (VERBS["derive"], VERBS["solve"]):
        with pytest.raises(ll.NotAvailable, match="^beta2 = 0.0: .*infinite"):
            verb(PROBLEM, ll.Adam(0.3, beta1, 0.0))


@pytest.mark.parametrize("values", [[1j, 2], np.ones(2) + 0j, ["1", "2"], [b"1"], [[1], [1, 2]]])
def test_arrays_hold_real_numbers(values):
    with pytest.raises(ll.InvalidType, match="^x = "):
        array("x", values, 1)
    assert array("x", [sp.Rational(1, 2), True], 1).tolist() == [0.5, 1.0]


@pytest.mark.parametrize("value", [10**400, 10**30, 10**5000], ids=["e400", "e30", "e5000"])
def test_numbers_beyond_any_size_are_refused_by_name(value):
    with pytest.raises(ll.InvalidInput, match="^d = .*give an integer from 1 to"):
        count("d", value)
    if value > 10**308:
        with pytest.raises(ll.InvalidInput, match="^x = .*give a finite number"):
            number("x", value)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ll.isotropic(10**30), "d"),
        (lambda: ll.toeplitz(10**6, 0.5), "d"),
        (lambda: ll.power_law(10**12, 0.5), "d"),
        (lambda: ll.marchenko_pastur(10**12, 0.5), "d"),
        (lambda: ll.SGD(0.5, batch=10**30), "batch"),
        (lambda: ll.SGD(10**5000), "rate"),
        (lambda: ll.solve(PROBLEM, ll.SGD(0.5), 1, points=10**12), "points"),
        (lambda: ll.solve(PROBLEM, ll.SGD(0.5), 1, limit="sde", paths=10**12), "paths"),
        (lambda: ll.simulate(PROBLEM, ll.SGD(0.5), 1, runs=10**12), "runs"),
    ],
)
def test_sizes_that_no_machine_holds_are_refused(make, field):
    with pytest.raises(ll.InvalidInput, match=f"^{field} = "):
        make()


@pytest.mark.parametrize("batch", [np.int64(2), np.uint8(2), sp.Integer(2)])
def test_any_whole_number_is_a_batch(batch):
    assert ll.SGD(0.5, batch=batch) == ll.SGD(0.5, batch=2)
    assert type(ll.SGD(0.5, batch=batch).batch) is int


def test_a_toeplitz_matrix_without_correlation_is_isotropic():
    for d, method in ((200, ll.SGD(0.5)), (200, ll.SignSGD(0.4))):
        law = ll.solve(ll.LeastSquares(ll.toeplitz(d, 0), ll.Gaussian(0.5)), method, 1, points=5)
        plain = ll.solve(ll.LeastSquares(ll.isotropic(d), ll.Gaussian(0.5)), method, 1, points=5)
        np.testing.assert_allclose(law.risk, plain.risk, rtol=1e-8)
