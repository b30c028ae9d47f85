"""Every shipped law and covariance, by its EXAMPLE: a new one joins by its file."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import limitlab as ll
from limitlab import cli
from limitlab.theory.covariance import COVARIANCES
from limitlab.theory.noise import LAWS
from limitlab.validation.experiment.names import COVARIANCE_NAMES, NOISE_NAMES, snake

pytestmark = pytest.mark.filterwarnings(
    "ignore::limitlab.theory.core.errors.ValidityWarning",
)

laws = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
covariances = pytest.mark.parametrize("name", COVARIANCES)
CLIP = ll.ClippedSGD(0.8, 1.0)


@laws
def test_a_law_gives_a_limit_that_prints(law):
    system = ll.derive(ll.LeastSquares(ll.isotropic(100), law(**law.EXAMPLE)), CLIP)
    assert isinstance(system, ll.System)
    parser = MathTextParser("agg")
    for line in system.latex().splitlines():
        parser.parse(f"${line}$")


@laws
def test_a_law_is_a_value_that_files_can_name(law, capsys):
    made = law(**law.EXAMPLE)
    assert made == law(**law.EXAMPLE) and hash(made) == hash(law(**law.EXAMPLE))
    assert pickle.loads(pickle.dumps(made)) == made
    assert NOISE_NAMES[snake(law.__name__)] is law
    assert cli.main(["derive", "signsgd", "--noise", snake(law.__name__), "--latex"]) == 0
    assert "mu" in capsys.readouterr().out


@pytest.mark.slow
@laws
def test_runs_under_a_law_agree_with_its_limit(law):
    problem = ll.LeastSquares(ll.isotropic(400), law(**law.EXAMPLE))
    theory = ll.solve(problem, CLIP, 1, points=6)
    runs = ll.simulate(problem, CLIP, 1, points=6, runs=200, seed=3, progress=False)
    assert ll.compare(theory, runs).passed is not False
    wrong = ll.solve(problem, ll.ClippedSGD(0.88, 1.0), 1, points=6)
    assert ll.compare(wrong, runs).passed is False


@pytest.mark.slow
@covariances
def test_runs_under_a_covariance_agree_with_its_limit(name):
    maker, example = COVARIANCES[name]
    problem = ll.LeastSquares(maker(**example), ll.Gaussian(0.5))
    assert COVARIANCE_NAMES[name] is maker
    assert pickle.loads(pickle.dumps(problem)) == problem
    theory = ll.solve(problem, CLIP, 1, points=4)
    runs = ll.simulate(problem, CLIP, 1, points=4, runs=40, seed=3, progress=False)
    assert ll.compare(theory, runs).passed is not False
    assert np.all(theory.risk > 0)
