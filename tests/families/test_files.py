"""Every example of every family from an experiment file, which is written from the example itself:
a new family, method, law or covariance joins by its EXAMPLE, with nothing to add here."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields

import numpy as np
import pytest
import sympy as sp

from limitlab import cli
from limitlab.theory.core.discover import examples, families, problems
from limitlab.theory.covariance import COVARIANCES, Covariance, isotropic
from limitlab.theory.methods import METHODS, Method
from limitlab.theory.methods.remember import AVERAGES, MOMENTA
from limitlab.theory.noise import LAWS
from limitlab.theory.streaming.problem import LeastSquares
from limitlab.validation.experiment.names import (
    COVARIANCE_NAMES,
    METHOD_NAMES,
    PROBLEM_NAMES,
    make,
    snake,
)
from limitlab.validation.experiment.read import read_experiment

pytestmark = pytest.mark.filterwarnings("ignore::limitlab.theory.core.errors.ValidityWarning")

CASES = {
    f"{family}-{type(example.method).__name__}-{number}": example
    for family in families()
    for number, example in enumerate(examples(family))
}
#: carried out in the everyday suite; the others in the slow one
EVERYDAY = ("streaming-SGD-0", "equilibrium-")
#: arguments that files call by a word
LETTERS = {"d": "dimension", "K": "matrix"}
#: what files call the things that functions make
MADE = {
    type(maker(**({} if name == "uniform" else {"forgetting": 1.0}))): name
    for name, maker in (MOMENTA | AVERAGES).items()
}


def table(thing):
    """What a file says of an object: its kind, and the fields that differ from their defaults."""
    if isinstance(thing, Covariance):
        made = thing.made
        own = {LETTERS.get(k, k): plain(v) for k, v in made.arguments.items() if v is not None}
        return {"kind": made.maker.__name__, **own}
    own = {}
    for field in fields(thing):
        value = getattr(thing, field.name)
        default = None if field.default is MISSING else field.default
        if field.init and value is not None and not same(value, default):
            own[field.name] = plain(value)
    return {"kind": MADE.get(type(thing), snake(type(thing).__name__)), **own}


def same(one, other):
    try:
        return bool(np.array_equal(one, other))
    except TypeError:
        return one == other


def plain(value):
    if isinstance(value, np.ndarray | tuple | list):
        return np.asarray(value).tolist() if np.asarray(value).dtype != object else list(value)
    if isinstance(value, sp.Expr):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else table(value)


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def written(example, runs=40):
    """The text of a file."""
    lines = ["[problem]", *(f"{k} = {toml(v)}" for k, v in table(example.problem).items())]
    lines += ["[[method]]", *(f"{k} = {toml(v)}" for k, v in table(example.method).items())]
    lines += ["[run]", f"until = {example.until}", f"runs = {runs}", "points = 6"]
    if "limit" in example.theory:
        lines.append(f'limits = ["{example.theory["limit"]}"]')
    return "\n".join([*lines, "[output]", 'formats = ["png"]', ""])


@pytest.mark.parametrize("name", CASES)
def test_a_file_says_what_an_example_is(name, tmp_path):
    example = CASES[name]
    (tmp_path / "file.toml").write_text(written(example))
    found = read_experiment(tmp_path / "file.toml")
    assert found.cases[0].problem == example.problem
    assert found.methods == (example.method,)


@pytest.mark.parametrize(
    "name",
    [n if n.startswith(EVERYDAY) else pytest.param(n, marks=pytest.mark.slow) for n in CASES],
)
def test_a_file_carries_it_out(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "file.toml").write_text(written(CASES[name]))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["run", "file.toml"]) in (0, 3)  # forty runs may not decide
    assert "DISAGREES" not in capsys.readouterr().out
    assert (tmp_path / "out" / "file" / "file.png").stat().st_size > 5000


def test_every_shipped_kind_is_called_by_a_file():
    assert {*METHOD_NAMES.values()} == {*METHODS} and {*PROBLEM_NAMES.values()} == {*problems()}


@pytest.mark.parametrize("kind", [*METHODS, *LAWS], ids=lambda kind: kind.__name__)
def test_a_method_or_law_is_what_its_table_says(kind):
    thing = kind(**kind.EXAMPLE)
    if isinstance(thing, Method):
        assert make(table(thing), METHOD_NAMES, "method") == thing
        return
    problem = LeastSquares(isotropic(50), thing)
    assert make(table(problem), PROBLEM_NAMES, "problem") == problem


@pytest.mark.parametrize("name", COVARIANCES)
def test_a_covariance_is_what_its_table_says(name):
    maker, example = COVARIANCES[name]
    words = {LETTERS.get(k, k): plain(v) for k, v in example.items()}
    assert make({"kind": name, **words}, COVARIANCE_NAMES, "covariance") == maker(**example)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("where", ["problem", "method"])
@pytest.mark.parametrize("key", ["file", "module", "python", "class", "import"])
def test_no_code_is_loaded_from_a_file(name, where, key, tmp_path, capsys):
    head = "[problem]" if where == "problem" else "[[method]]"
    text = written(CASES[name]).replace(head, f'{head}\n{key} = "mine.py"')
    (tmp_path / "file.toml").write_text(text)
    (tmp_path / "mine.py").write_text("raise SystemExit('loaded')\n")
    assert cli.main(["run", str(tmp_path / "file.toml")]) == 2
    assert "load no code" in capsys.readouterr().err


@pytest.mark.parametrize("what", ["problem", "method"])
def test_a_kind_that_is_a_python_file_is_not_loaded(what, tmp_path, capsys):
    text = written(CASES["linear-SGD-0"])
    kind = {"problem": "linear_model", "method": "sgd"}[what]
    (tmp_path / "file.toml").write_text(text.replace(f'"{kind}"', '"mine.py:Mine"'))
    assert cli.main(["run", str(tmp_path / "file.toml")]) == 2
    assert "load no code" in capsys.readouterr().err
