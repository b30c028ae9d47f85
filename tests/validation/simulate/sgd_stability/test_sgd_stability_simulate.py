"""SGD at an interpolating minimum against its exact second moment, over short horizons."""

import numpy as np
import pytest

import limitlab as ll
from limitlab.theory.core.errors import ValidityWarning
from limitlab.theory.methods.sgd import SAMPLINGS

PLANE = ll.InterpolatingMinimum(features=[[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_runs_against_the_second_moment(sampling):
    options = {"times": [1, 2, 3, 4], "runs": 20_000, "seed": 6, "progress": False}
    method = ll.SGD(0.4, batch=2, sampling=sampling)
    runs = ll.simulate(PLANE, method, **options)
    sem = runs.sem("mean_square")[1:]

    def scores(other):
        theory = ll.solve(PLANE, ll.SGD(0.4, batch=2, sampling=other), times=[1, 2, 3, 4])
        return np.abs(runs.mean_square - theory.mean_square)[1:] / sem

    assert scores(sampling).max() < 4
    # negative control: the theory of each other sampling
    for other in set(SAMPLINGS) - {sampling}:
        assert scores(other).max() > 4


def test_threads_and_seeds():
    options = {"until": 5, "runs": 2500, "progress": False}
    method = ll.SGD(0.3, batch=1)
    one, two, three = (
        ll.simulate(PLANE, method, workers=w, seed=s, **options).loss
        for w, s in ((1, 2), (2, 2), (1, 3))
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, three)


def test_a_mean_that_rare_runs_carry_is_said():
    problem = ll.InterpolatingMinimum.groups(24, 24)
    with pytest.warns(ValidityWarning, match="one run in 100"):
        runs = ll.simulate(
            problem,
            ll.SGD(2.2, batch=1, sampling="bernoulli"),
            40,
            runs=2000,
            seed=1,
            progress=False,
        )
    assert runs.provenance["near_instability"]
