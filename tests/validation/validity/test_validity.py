"""The page of measured errors: it is the one that the command writes, and errors are noticed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import limitlab
from limitlab import cli
from limitlab.theory.core.errors import InvalidInput
from limitlab.validation.validity.page import key_of, page, studies, write
from limitlab.validation.validity.regime import Measured, Study

PAGE = (Path(limitlab.__file__).parent / "docs" / "validity.md").read_text(encoding="utf-8")
REGIMES = [(study, regime) for study in studies() for regime in study.regimes]


def test_the_page_has_every_regime_in_order():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in lines]
    labels = [regime.label for _, regime in REGIMES]
    assert [row for row in rows if row in labels] == labels


def test_an_error_above_what_is_announced_is_bold():
    fields = {"sem": 0.001, "announced": 0.01, "spread": None, "spread_sem": None, "warnings": ()}
    rows = [Measured("covered", 0.0125, **fields), Measured("not covered", -0.0135, **fields)]
    text = page([(Study("A theory", "Its setting.", ()), rows)])
    assert "| covered | +1.25 ± 0.10 | 1.00 | – |" in text
    assert "| not covered | **-1.35 ± 0.10** | 1.00 | – |" in text


def test_warnings_are_numbered_and_said_once():
    rows = [Measured(name, 0.0, 0.1, None, None, None, ("too small",)) for name in "ab"]
    text = page([(Study("A theory", "Its setting.", ()), rows)])
    assert text.count("too small") == 1 and len(re.findall(r"\| 1 \|", text)) == 2


def test_a_page_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="out"):
        write("text", tmp_path / "file" / "page.md")


def test_only_some_theories_are_measured(tmp_path, capsys):
    target = tmp_path / "page.md"
    assert cli.main(["validity", "--only", "two eigenvalues", "--out", str(target)]) == 0
    assert f"wrote {target}" in capsys.readouterr().out
    text = target.read_text(encoding="utf-8")
    assert text.count("## ") == 1
    assert text[text.index("## ") :].strip() in PAGE


def test_an_unknown_theory_is_refused(capsys):
    assert cli.main(["validity", "--only", "perceptron"]) == 2
    assert "signSGD" in capsys.readouterr().err


def _find(title: str, label: str) -> tuple[Study, Any]:
    (found,) = [pair for pair in REGIMES if (pair[0].title, pair[1].label) == (title, label)]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "label"),
    [
        ("SGD", "d = 50"),
        ("signSGD", "start on one coordinate"),
        ("Clipped SGD, threshold 1", "limiting SDE"),
    ],
)
def test_measured_again_it_is_what_the_page_says(title, label):
    study, regime = _find(title, label)
    again = page([(study, [regime.measure(key_of(study, regime))])])
    (row,) = [line for line in again.splitlines() if " ± " in line]
    assert row.rsplit("|", 2)[0] in PAGE  # without the numbers of the warnings


@pytest.mark.slow
def test_a_wrong_clock_is_noticed():
    study, regime = _find("SGD", "d = 800")
    key = key_of(study, regime)
    assert regime.measure(key).covered
    assert not replace(regime, clock=1.05).measure(key).covered
