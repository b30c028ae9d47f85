"""The benchmarks import without their peers, and their tables judge as they say."""

from __future__ import annotations

import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

import limitlab

ROOT = Path(limitlab.__file__).resolve().parent
MODULES = sorted(file.stem for file in (ROOT / "benchmarks").glob("*.py"))


def member(name: str):
    """A module of benchmarks/, which is not part of the package that is installed."""
    return importlib.import_module(f"limitlab.benchmarks.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports(name):
    assert member(name).__doc__


def test_peers_are_imported_only_when_their_turn_comes():
    code = (
        "import importlib, sys\n"
        f"for name in {MODULES}: importlib.import_module('limitlab.benchmarks.' + name)\n"
        "print({'jax', 'diffrax', 'torch', 'torchsde'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_topic_is_a_module_with_tables():
    for topic in member("__main__").TOPICS:
        assert callable(member(topic).tables)


def fake_clock(seconds):
    """A clock whose calls the caller can lengthen."""
    now = itertools.accumulate(seconds)
    return lambda: next(now)


def entries():
    entry = member("contest").Entry
    return [
        entry("limitlab", lambda: lambda: 1.0),
        entry("fast peer", lambda: lambda: 2.0, family="peer"),
        entry("slow peer", lambda: lambda: 3.0, family="peer"),
        entry("absent", absent, family="other"),
    ]


def absent():
    raise ImportError("no module of this name")


def judged(costs):
    report = member("report")
    goals = {"peer": report.at_least(5), "other": report.at_least(2)}
    remarks = {"absent": "not installed"}
    return {row.name: row for row in member("contest").rows_of(entries(), costs, goals, remarks)}


def test_the_goal_goes_to_the_fastest_of_a_family():
    rows = judged({"limitlab": 2.0, "fast peer": 12.0, "slow peer": 40.0})
    assert rows["fast peer"].ratio == 6 and rows["fast peer"].verdict == "reached"
    assert rows["slow peer"].ratio == 20 and rows["slow peer"].goal is None
    assert rows["limitlab"].ratio is None


def test_a_goal_that_is_missed_is_called_so():
    """Negative control: the slow peer alone would have reached it."""
    rows = judged({"limitlab": 2.0, "fast peer": 8.0, "slow peer": 40.0})
    assert rows["fast peer"].verdict == "not reached"


def test_a_missing_peer_is_a_row():
    row = judged({"limitlab": 2.0, "fast peer": 12.0, "slow peer": 40.0})["absent"]
    assert (row.value, row.verdict, row.remark) == (None, "not measured", "not installed")


def test_a_contest_skips_who_is_not_there():
    rows = member("contest").contest(entries(), {}, rounds=1)
    assert [row.value is None for row in rows] == [False, False, False, True]
    assert rows[-1].remark == "not installed"


@pytest.mark.parametrize(
    ("of", "least", "value", "ratio", "verdict"),
    [
        ("ratio", True, 1.0, 9.0, "not reached"),
        ("ratio", True, 1.0, 10.0, "reached"),
        ("value", False, 10.0, None, "reached"),
        ("value", False, 10.1, None, "not reached"),
        ("value", False, None, None, "not measured"),
    ],
)
def test_goals(of, least, value, ratio, verdict):
    report = member("report")
    row = report.Row("name", value, ratio, report.Goal(10, least, of))
    assert row.verdict == verdict


def test_the_best_round_counts():
    clock = fake_clock([0, 5, 0, 3, 0, 4])
    timing = member("clock").race({"": lambda: 7}, 3, 100, warm=False, clock=clock)[""]
    assert (timing.best, timing.median, timing.result) == (3, 4, 7)


def test_a_slow_one_gets_no_further_turn():
    clock = fake_clock([0, 5, 0, 3])
    assert member("clock").race({"": int}, 3, 4.0, warm=False, clock=clock)[""].seconds == [5]


def example():
    report = member("report")
    rows = [report.Row("limitlab", 1.5), report.Row("peer", 30, 20, report.at_least(10), "float32")]
    return report.Table("Something", "ns", rows, caption="One thread.")


def test_tables_print():
    text = member("report").as_text(example())
    assert "to limitlab" in text and "reached" in text
    markdown = member("report").as_markdown(example()).splitlines()
    assert markdown[-1] == "| peer | 30.0 | 20.0× | ≥ 10× | reached | float32 |"


def test_results_are_written(tmp_path):
    member("results").write([example()], 0.1, tmp_path)
    record = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert record["tables"][0]["rows"][1]["verdict"] == "reached"
    assert {"processor", "cores", "versions"} <= set(record["machine"])
    page = (tmp_path / "latest.md").read_text()
    assert "Reached: 1 of the 1 measured." in page
    for private in (str(Path.home()), str(ROOT)):
        assert private not in page
