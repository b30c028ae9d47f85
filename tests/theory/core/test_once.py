"""Within a call things are asked once; between calls nothing is kept."""

from __future__ import annotations

from limitlab.theory.core.once import once, one_call


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
