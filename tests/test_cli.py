"""The command: exit status, one-line errors, and output that can be used."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import limitlab
from limitlab import cli
from limitlab.solvers.core import cache

EXPERIMENT = """
[problem]
covariance = { kind = "isotropic", dimension = 200 }
noise = { kind = "gaussian", scale = 0.5 }
[[method]]
kind = "sgd"
rate = 0.5
[run]
until = 4
points = 41
runs = 1000
[output]
formats = ["png"]
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file.toml"
    path.write_text(EXPERIMENT)
    return path


# ---- exit status ----


def test_run_agrees(file, capsys):
    assert cli.main(["run", str(file)]) == 0
    output = capsys.readouterr()
    assert "agree in 1 of 1 comparisons" in output.out
    assert "wrote out/file/report.txt" in output.out
    assert "simulating" in output.err


def test_a_run_that_decides_nothing_has_a_status_of_its_own(file, capsys):
    file.write_text(EXPERIMENT.replace("runs = 1000", "runs = 30"))
    assert cli.main(["run", str(file)]) == 3
    output = capsys.readouterr().out
    assert "UNDECIDED" in output and "would decide" in output


def test_run_disagrees(file, capsys, monkeypatch):
    """With the theory of a wrong rate the same command ends with 1."""
    from limitlab.validation.experiment import carry_out as conduct

    solve = conduct.solve

    def wrong(problem, method, **options):
        return solve(problem, limitlab.SGD(0.8), **options)

    monkeypatch.setattr(conduct, "solve", wrong)
    assert cli.main(["run", str(file)]) == 1
    assert "DISAGREES" in capsys.readouterr().out


BAD = [
    ["derive", "signsg"],
    ["derive", "clipped_sgd", "threshold=0"],
    ["derive", "sgd", "rate=__import__('os')"],
    ["derive", "sgd", "0.5"],
    ["derive", "sgd", "rat=0.5"],
    ["derive", "sgd", "--noise", "cauchy"],
    ["derive", "sgd", "--noise", "gausian"],
    ["run", "nothing.toml"],
]


@pytest.mark.parametrize("arguments", BAD, ids=" ".join)
def test_bad_input_is_one_line_and_status_two(arguments, capsys):
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("limitlab: error: ")
    assert len(output.err.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["sovle"], ["derive"], ["run", "a", "b"]], ids=str)
def test_bad_arguments_end_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_a_bad_file_writes_nothing(file, tmp_path):
    file.write_text(EXPERIMENT.replace("rate = 0.5", "rate = 0"))
    assert cli.main(["run", str(file)]) == 2
    assert list(tmp_path.iterdir()) == [file]


def test_an_interrupt_ends_with_130(file, monkeypatch, tmp_path):
    from limitlab.validation.experiment import carry_out as conduct

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(conduct, "simulate", interrupt)
    assert cli.main(["run", str(file)]) == 130
    assert list(tmp_path.iterdir()) == [file]


# ---- what is printed ----


def test_derive_prints_what_the_system_says(capsys):
    problem = limitlab.LeastSquares(limitlab.isotropic(1000), noise=limitlab.StudentT(df=3))
    system = limitlab.derive(problem, limitlab.SignSGD(1.0))
    for flags, text in (
        (["--latex"], system.latex()),
        (["--source"], system.source),
        ([], system.explain()),
    ):
        assert cli.main(["derive", "signsgd", "--noise", "student_t", *flags]) == 0
        assert capsys.readouterr().out == text + "\n"


def test_derive_takes_arguments(capsys):
    words = ["derive", "clipped_sgd", "rate=0.4/(1+t)", "threshold=2", "--noise", "laplace"]
    assert cli.main([*words, "scale=0.3", "--latex"]) == 0
    assert r"\mu" in capsys.readouterr().out


def test_list_names_everything(capsys):
    assert cli.main(["list"]) == 0
    printed = capsys.readouterr().out
    for line in ("student_t(df, scale=)", "clipped_sgd(rate, threshold", "power_law(", "digits("):
        assert line in printed


def test_cache_shows_and_clears(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LIMITLAB_CACHE", str(tmp_path))
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / cache.MODULE).write_text("x = 1\n")
    assert cli.main(["cache"]) == 0
    assert "1 compiled modules" in capsys.readouterr().out
    assert cli.main(["cache", "--clear"]) == 0
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("0 compiled modules")


def test_doctor_is_content(capsys):
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok") for line in lines)
    assert "relative error against the closed form" in lines[-1]


def test_doctor_names_what_is_missing(monkeypatch):
    from limitlab.validation import doctor

    assert doctor._package("no-such-package", needed=True)[0] is False
    assert doctor._package("no-such-package", needed=False)[0] is True


def test_module_and_version():
    done = subprocess.run(
        [sys.executable, "-m", "limitlab", "--version"], capture_output=True, text=True
    )
    assert done.stdout.split() == ["limitlab", limitlab.__version__]


def test_help_is_quick():
    """Arguments are read without loading the heavy libraries."""
    code = (
        "import sys; from limitlab import cli; cli._parser();"
        "sys.exit(any(name in sys.modules for name in ('sympy', 'numba', 'scipy', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=dict(os.environ)).returncode == 0
