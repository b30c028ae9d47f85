"""Experiment files: what is accepted, what is refused and how, and that a folder is whole."""

from __future__ import annotations

import math
import os
import tomllib
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import limitlab
from limitlab.cli import main
from limitlab.theory.core.errors import InvalidInput, InvalidType
from limitlab.validation.experiment import write as writing
from limitlab.validation.experiment.carry_out import agrees, conduct, decided
from limitlab.validation.experiment.figure import draw
from limitlab.validation.experiment.names import METHOD_NAMES, NOISE_NAMES, PROBLEM_NAMES, make
from limitlab.validation.experiment.read import read_experiment, safe_folder
from limitlab.validation.experiment.report import report, verdict
from limitlab.validation.experiment.write import prepare_folder, write_folder

EXAMPLES = Path(limitlab.__file__).parent / "examples"
SMALL = """
[problem]
covariance = { kind = "isotropic", dimension = 100 }
noise = { kind = "gaussian", scale = 0.5 }
[[method]]
kind = "signsgd"
rate = "0.4 / (1 + t)**0.5"
[[method]]
kind = "sgd"
rate = 0.5
[run]
until = 1
points = 6
runs = 200
seed = 1
[output]
formats = ["png"]
"""
# a constant rate: its kernels are those of other tests
CARRIED_OUT = SMALL.replace('"0.4 / (1 + t)**0.5"', "0.4")


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Return a function that writes a file and reads it as an experiment."""
    monkeypatch.chdir(tmp_path)

    def read(text: str = SMALL, **more):
        path = tmp_path / "small.toml"
        path.write_text(text)
        return read_experiment(path, **more)

    return read


# ---- what is accepted ----


def test_a_file_says_what_python_would(written):
    experiment = written()
    sign, sgd = experiment.methods
    assert sgd == limitlab.SGD(0.5)
    assert sign == limitlab.SignSGD(0.4 / (1 + limitlab.t) ** 0.5)
    assert experiment.cases[0].problem.noise == limitlab.Gaussian(0.5)
    assert experiment.cases[0].problem.dimension == 100
    assert experiment.run.limits == ()
    assert experiment.output.folder == Path("out/small")


def test_schedules_are_tables_too(written):
    rate = '{ kind = "warmup_cosine", a = 0.4, warmup = 0.2, until = 1 }'
    schedule = written(SMALL.replace('"0.4 / (1 + t)**0.5"', rate)).methods[0].rate
    assert schedule == limitlab.warmup_cosine(0.4, 0.2, 1)
    both = '["0.4/(1 + t)", { kind = "constant", a = 0.1 }]'
    inner = f'{{ kind = "piecewise", schedules = {both}, at = [0.5] }}'
    nested = f'{{ kind = "warmup", schedule = {inner}, over = 0.2 }}'
    schedule = written(SMALL.replace('"0.4 / (1 + t)**0.5"', nested)).methods[0].rate
    parts = limitlab.piecewise([0.4 / (1 + limitlab.t), limitlab.constant(0.1)], [0.5])
    assert schedule == limitlab.warmup(parts, 0.2)


@pytest.mark.parametrize(
    ("rate", "field"),
    [
        ('{ kind = "warmup_cosin", a = 0.4 }', "method[0].rate.kind"),
        ('{ kind = "steps", a = 0.4 }', "method[0].rate"),
        ('{ kind = "steps", a = 0.4, at = [2, 1] }', "method[0].rate.at"),
        ('{ kind = "wsd", a = 0.4, warmup = 1, decay = 2, stop = 3 }', "method[0].rate"),
    ],
)
def test_schedules_that_are_wrong_say_where(written, rate, field):
    with pytest.raises(InvalidInput) as error:
        written(SMALL.replace('"0.4 / (1 + t)**0.5"', rate))
    assert error.value.field == field


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_are_read(path, written):
    tables = tomllib.loads(path.read_text())
    if isinstance(tables["problem"].get("data"), dict):
        pytest.importorskip("sklearn")
        large = 'features = ["relu", "pixels"], dimension = 500, seed'
        small = 'features = ["relu"], dimension = 30, seed'
        text = path.read_text().replace(large, small)
        assert small in text
        experiment = written(text.replace('"mnist"', '"digits"'))
    else:
        experiment = written(path.read_text())
    assert len(experiment.methods) == len(tables["method"])
    assert experiment.output.folder == Path("out") / path.stem


@pytest.mark.parametrize("kind", ["student_t", "studentt", "StudentT", "student-t"])
def test_spelling_of_a_kind_is_forgiven(kind):
    assert make({"kind": kind, "df": 3}, NOISE_NAMES, "noise") == limitlab.StudentT(df=3)


def test_every_method_and_law_has_a_name():
    assert {"sgd", "signsgd", "clipped_sgd", "huber"} <= set(METHOD_NAMES)
    laws = {"gaussian", "rademacher", "uniform", "laplace", "student_t", "cauchy", "no_noise"}
    assert laws | {"gaussian_mixture", "empirical"} == set(NOISE_NAMES)


# ---- what is refused ----

BAD = {
    "unknown table": ("[run]", "[runs]", "did you mean 'run'"),
    "unknown key": ("until = 1", "untill = 1", "did you mean 'until'"),
    "unknown method": ('kind = "sgd"', 'kind = "sdg"', "did you mean 'sgd'"),
    "unknown noise": ('kind = "gaussian"', 'kind = "gausian"', "did you mean 'gaussian'"),
    "unknown argument": ("scale = 0.5", "scal = 0.5", "did you mean 'scale'"),
    "unknown covariance": ('"isotropic"', '"isotropc"', "did you mean 'isotropic'"),
    "unknown limit": ("seed = 1", 'seed = 1\nlimits = ["odes"]', "did you mean 'ode'"),
    "unknown format": ('["png"]', '["pgn"]', "did you mean 'png'"),
    "missing argument": (", scale = 0.5", "", r"give problem\.noise\.scale too"),
    "missing kind": ('kind = "sgd"', "", "give a kind"),
    "missing until": ("until = 1", "", "give run.until"),
    "missing noise": ('noise = { kind = "gaussian", scale = 0.5 }', "", "give problem.noise"),
    "rate not positive": ("rate = 0.5", "rate = -0.5", r"method\[1\]\.rate = -0.5"),
    "rate not a number": ("rate = 0.5", "rate = true", r"method\[1\]\.rate"),
    "rate nan": ("rate = 0.5", "rate = nan", r"method\[1\]\.rate"),
    "rate is code": ("rate = 0.5", "rate = \"__import__('os')\"", r"method\[1\]\.rate"),
    "negative scale": ("scale = 0.5", "scale = -1", r"problem\.noise\.scale = -1"),
    "dimension zero": ("dimension = 100", "dimension = 0", r"problem\.covariance\.dimension = 0"),
    "until zero": ("until = 1", "until = 0", r"run\.until = 0"),
    "until inf": ("until = 1", "until = inf", r"run\.until = inf"),
    "no runs": ("runs = 200", "runs = 0", r"run\.runs = 0"),
    "half a run": ("runs = 200", "runs = 0.5", r"run\.runs = 0.5"),
    "one point": ("points = 6", "points = 1", r"run\.points = 1"),
    "seed text": ("seed = 1", 'seed = "one"', r"run\.seed = 'one'"),
    "level": ("seed = 1", "seed = 1\nlevel = 1.5", "level"),
    "empty limits": ("seed = 1", "seed = 1\nlimits = []", r"run\.limits"),
    "not TOML": ("[run]", "[run", "not a TOML file"),
    "method as a table": ("[[method]]", "[method]", "method"),
    "data and noise": ("[problem]", '[problem]\ndata = { kind = "digits" }', "unknown key"),
}


@pytest.mark.parametrize(("old", "new", "message"), BAD.values(), ids=BAD)
def test_bad_files_are_refused(old, new, message, written):
    assert old in SMALL
    with pytest.raises(InvalidInput, match=message):
        written(SMALL.replace(old, new))


def test_the_file_itself_may_be_missing(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_experiment(tmp_path / "nothing.toml")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_experiment(tmp_path)


ELSEWHERE = ["/tmp/x", "../x", "a/../../x", "~/x", "~root", "C:/x", "c:x", "..\\x", "\\\\host\\x"]


@pytest.mark.parametrize("path", [*ELSEWHERE, "", ".", "..", "a\0b", "a\nb", "x" * 300])
def test_a_file_cannot_write_elsewhere(path, tmp_path, monkeypatch, written):
    with pytest.raises(InvalidInput, match="output.folder"):
        safe_folder(path)


def test_a_folder_must_be_text():
    with pytest.raises(InvalidType, match="output.folder"):
        safe_folder(3)


def test_the_user_may_write_anywhere(written, tmp_path):
    assert written(folder=tmp_path / "x").output.folder == tmp_path / "x"


# ---- carried out ----


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    path = tmp_path_factory.mktemp("experiment") / "small.toml"
    path.write_text(CARRIED_OUT)
    experiment = read_experiment(path, path.parent / "deep" / "out")
    heard: list[str] = []
    return experiment, conduct(experiment, heard.append), heard


def test_results_are_those_of_the_verbs(done):
    experiment, results, heard = done
    case = experiment.cases[0]
    assert [each.method for each in results] == list(experiment.methods)
    again = limitlab.solve(case.problem, experiment.methods[1], until=1, points=6)
    assert np.array_equal(results[1].theory["risk"], again["risk"])
    assert all(each.runs.runs == 200 for each in results)
    assert any("solving" in line for line in heard) and any("simulating" in line for line in heard)


def test_folder_is_complete(done):
    experiment, results, _ = done
    files = write_folder(experiment, results, draw(results))
    names = {file.name for file in files}
    assert {"small.png", "report.txt", "experiment.toml", "01_signsgd_theory.nc"} <= names
    target = experiment.output.folder
    assert {file.name for file in target.iterdir()} == names
    assert not [file for file in target.parent.iterdir() if file.name.startswith(".")]
    assert files[-1].name == "report.txt"
    curve = limitlab.load(target / "02_sgd_theory.nc")
    assert np.array_equal(curve["risk"], results[1].theory["risk"])
    assert (target / "report.txt").read_text() == report(experiment, results)
    assert (target / "experiment.toml").read_text() == CARRIED_OUT


def test_a_failure_leaves_nothing_half_written(done, tmp_path, monkeypatch):
    experiment, results, _ = done
    target = experiment.output.folder
    write_folder(experiment, results, draw(results))
    before = {file.name: file.read_bytes() for file in target.iterdir()}

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "report", fail)
    with pytest.raises(InvalidInput, match="No space left"):
        write_folder(experiment, results, draw(results))
    assert {file.name: file.read_bytes() for file in target.iterdir()} == before
    assert not [file for file in target.parent.iterdir() if file.name.startswith(".")]


def test_a_second_run_leaves_no_stale_files_and_touches_no_others(done, tmp_path):
    experiment, results, _ = done
    folder = tmp_path / "used"
    wide = replace(experiment, output=replace(experiment.output, folder=folder))
    assert prepare_folder(wide) == "" and not folder.exists()
    write_folder(wide, results, draw(results))
    (folder / "mine.nc").write_text("of the user")
    narrow = replace(wide, name="other", output=replace(wide.output, formats=("svg",)))
    said = prepare_folder(narrow)
    assert "earlier run" in said and str(len(list(folder.iterdir())) - 1) in said
    files = write_folder(narrow, results[:1], draw(results[:1]))
    assert {*folder.iterdir()} == {*files, folder / "mine.nc"}
    assert not (folder / "small.png").exists() and not (folder / "02_sgd_theory.nc").exists()
    assert (folder / "mine.nc").read_text() == "of the user"


def test_a_folder_may_be_a_link_to_another_file_system(done, tmp_path, monkeypatch):
    """Files are moved inside the folder that is meant, never across file systems (EXDEV)."""
    experiment, results, _ = done
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    rename = os.replace

    def on_one_system(source, target):
        homes = [Path(path).resolve().is_relative_to(elsewhere) for path in (source, target)]
        if homes[0] != homes[1]:
            raise OSError(18, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "replace", on_one_system)
    linked = replace(experiment, output=replace(experiment.output, folder=tmp_path / "link"))
    prepare_folder(linked)
    files = write_folder(linked, results, draw(results))
    assert {file.name for file in elsewhere.iterdir()} == {file.name for file in files}


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    done, tmp_path, monkeypatch
):
    experiment = done[0]
    (tmp_path / "file").write_text("in the way")
    blocked = replace(experiment, output=replace(experiment.output, folder=tmp_path / "file" / "x"))
    with pytest.raises(InvalidInput, match="^output.folder = .*cannot be written"):
        prepare_folder(blocked)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.setattr(
        "limitlab.validation.experiment.carry_out.conduct", lambda *a, **k: pytest.fail("computed")
    )
    assert main(["run", "small.toml", "--output", "file/x"]) == 2


@pytest.mark.parametrize("folder", ["$HOME/x", "${HOME}/x", "%USERPROFILE%/x", "out/$USER"])
def test_variables_in_a_folder_are_refused(written, folder):
    with pytest.raises(InvalidInput, match="^output.folder = .*variables"):
        written(SMALL + f'folder = "{folder}"\n')


@pytest.mark.parametrize("width", ["4.2", '"icml"'])
def test_the_width_of_the_figure_is_an_option(written, width):
    experiment = written(SMALL + f"width = {width}\n")
    assert experiment.output.width in (4.2, "icml")


@pytest.mark.parametrize("width", ["true", "0.1", '"wide"', "[1]"])
def test_a_bad_width_is_refused(written, width):
    with pytest.raises(InvalidInput, match="^output.width = "):
        written(SMALL + f"width = {width}\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("dimension = 100", f"dimension = {10**30}"),
        ("dimension = 100", "dimension = " + "9" * 5000),
        ("seed = 1", "seed = " + "9" * 5000),
        ("runs = 200", f"runs = {10**15}"),
        ("runs = 200", "runs = 1e400"),
    ],
)
def test_numbers_of_any_size_end_in_a_line(tmp_path, monkeypatch, capsys, old, new):
    monkeypatch.chdir(tmp_path)
    assert old in SMALL
    (tmp_path / "small.toml").write_text(SMALL.replace(old, new))
    assert main(["run", "small.toml"]) == 2
    assert capsys.readouterr().err.startswith("limitlab: error: ")


def test_the_report_says_the_numbers(done):
    experiment, results, _ = done
    text = report(experiment, results)
    for each in results:
        assert str(each.agreement) in text
    assert verdict(results) in text


def test_agreement_is_judged(done):
    """The right theory agrees; the theory of another rate, on the same runs, does not."""
    experiment, results, _ = done
    assert all(each.agreement.verdict != "disagrees" for each in results)
    wrong = limitlab.solve(experiment.cases[0].problem, limitlab.SGD(0.6), until=1, points=6)
    assert limitlab.compare(wrong, results[1].runs).verdict == "disagrees"


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [([True, True], True), ([True, None], True), ([True, False], False), ([None], False)],
)
def test_agreement_needs_one_pass_and_no_failure(verdicts, answer):
    results = [SimpleNamespace(agreement=SimpleNamespace(passed=passed)) for passed in verdicts]
    assert agrees(results) is answer


@pytest.mark.parametrize(
    ("verdicts", "answer"),
    [
        (["agrees", "agrees"], True),
        (["agrees", "undecided"], False),
        (["undecided"], False),
        (["agrees", "quantiles"], True),
        (["quantiles"], False),
        (["disagrees"], True),
        (["disagrees", "undecided"], True),
    ],
)
def test_an_undecided_comparison_leaves_the_question_open(verdicts, answer):
    results = [SimpleNamespace(agreement=SimpleNamespace(verdict=each)) for each in verdicts]
    assert decided(results) is answer


@pytest.mark.slow
def test_rows_are_reported_and_not_judged(written):
    """Digits: the rows' gap stands in the report; the verdict is the Gaussian surrogate's."""
    pytest.importorskip("sklearn")
    head = '[problem]\ndata = { kind = "digits", features = ["relu"], dimension = 80 }\n'
    body = SMALL[SMALL.rindex("[[method]]") :].replace("runs = 200", "runs = 40")
    experiment = written(head + body.replace("until = 1", "until = 2"))
    results = conduct(experiment)
    text = report(experiment, results)
    assert text.count("theory against real rows (reported, not judged)") == 1
    for each in results:
        found = each.finding
        assert found.verdict == "finding" and found.passed is None and 0 <= found.gap < math.inf
        assert str(found) in text and "real rows: the gap is a finding" in text
    assert all(each.agreement.runs == 40 for each in results)
    write_folder(experiment, results, draw(results))
    assert (experiment.output.folder / "01_sgd_rows.nc").exists()


@pytest.mark.interpreted
def test_what_theory_and_runs_both_remark_on_is_said_once(tmp_path):
    """The control: each of the two says it by itself."""
    path = tmp_path / "coarse.toml"
    path.write_text(SMALL.replace("dimension = 100", "dimension = 4"))
    experiment = read_experiment(path)
    small = replace(experiment, methods=[m for m in experiment.methods if m.label == "SGD"])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        conduct(small)
    assert sum(str(w.message).count("the steps are coarse") for w in said) == 1
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for verb in (limitlab.solve, limitlab.simulate):
            verb(small.cases[0].problem, small.methods[0], until=1, points=3)
    assert sum(str(w.message).count("the steps are coarse") for w in said) == 2


@pytest.mark.parametrize("kind", ["equilibrium_network", "single_index"])
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("hard-tanh", "HardTanh"),
        ("hard_tanh", "HardTanh"),
        ("relu", "ReLU"),
        ("gelu(2)", "GELU"),
        ({"kind": "gelu", "beta": 2}, "GELU"),
    ],
)
def test_files_name_activations_for_every_family(kind, given, name):
    needed = {"equilibrium_network": {"ensemble": "goe", "scale": 0.3}}
    table = {"kind": kind, "activation": given, **needed.get(kind, {"dimension": 30})}
    assert type(make(table, PROBLEM_NAMES, "problem").activation).__name__ == name
    with pytest.raises(InvalidInput, match=r"known: gelu, hard-tanh"):
        make({**table, "activation": "swish"}, PROBLEM_NAMES, "problem")


@pytest.mark.slow
def test_the_recursion_has_the_draws_of_the_runs(written):
    """What every run draws, its theory draws too: their means differ by rounding."""
    text = (EXAMPLES / "tuners.toml").read_text().replace("runs = 3000", "runs = 20")
    found = conduct(written(text))
    assert len(found) == 5
    for result in found:
        assert np.abs(result.theory.loss / result.runs.loss - 1).max() < 1e-10
    # negative control: the curvatures of another seed
    other = conduct(written(text.replace("seed = 1", "seed = 2")))
    assert np.abs(other[0].runs.loss / found[0].theory.loss - 1).max() > 1e-3
