"""Within a call things are asked once; between calls what the package itself states is kept."""

from __future__ import annotations

from dataclasses import dataclass

import limitlab as ll
from limitlab.theory.core import once as module
from limitlab.theory.core.once import once, one_call, shipped


def test_it_is_asked_once_a_call_and_again_in_the_next():
    asked = []

    @once
    def name(thing):
        asked.append(thing)
        return len(asked)

    thing, other = object(), object()
    assert (name(thing), name(thing)) == (1, 2)  # outside of calls nothing is kept
    with one_call():
        first = name(thing)
        with one_call():
            assert name(thing) == first
        assert name(other) != first
    with one_call():
        assert name(thing) != first


@dataclass(frozen=True)
class Own(ll.Method):
    """A user's own rule."""

    def rule(self, l):
        return l


def asked_twice(first, second):
    """How often a thing is asked in two calls about equal pairs."""
    asked = []

    @once
    def name(method, risk):
        asked.append(method)
        return risk

    for pair in (first, second):
        with one_call(*pair) as (_, method):
            name(method, 0.5)
    return len(asked)


def problem(**fields):
    return ll.LeastSquares(ll.power_law(20, exponent=0.5), ll.StudentT(3, 0.5), **fields)


def test_what_the_package_states_is_kept_for_equal_objects():
    assert asked_twice((problem(), ll.SGD(0.5)), (problem(), ll.SGD(0.5))) == 1
    assert asked_twice((problem(), ll.SGD(0.3)), (problem(), ll.SGD(0.4))) == 2
    assert asked_twice((problem(), ll.SGD(0.6)), (problem(initial_risk=2.0), ll.SGD(0.6))) == 2
    schedule = ll.power_decay(0.5, 0.5)
    assert asked_twice((problem(), ll.SGD(schedule)), (problem(), ll.SGD(schedule))) == 1


def test_what_a_user_states_is_asked_again():
    assert not shipped(Own(0.5)) and shipped(ll.SGD(0.5))
    assert asked_twice((problem(), Own(0.5)), (problem(), Own(0.5))) == 2
    own = problem(start=lambda spectrum: spectrum)
    assert asked_twice((own, ll.SGD(0.5)), (own, ll.SGD(0.5))) == 2


def test_a_class_that_is_patched_is_another_one(monkeypatch):
    with one_call(problem(), ll.SGD(0.7)) as (_, before):
        pass
    monkeypatch.setattr(ll.SGD, "rule", lambda self, l: 2 * l)
    with one_call(problem(), ll.SGD(0.7)) as (_, after):
        assert after is not before


def test_only_the_last_pairs_are_kept():
    for k in range(module._MOST_PAIRS + 5):
        with one_call(problem(), ll.SGD(0.1 + 0.01 * k)):
            pass
    assert len(module._pairs) == module._MOST_PAIRS
