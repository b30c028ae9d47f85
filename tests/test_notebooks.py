"""The notebooks as they are kept, and as they run: outputs in place, claims that still hold."""

from __future__ import annotations

import base64
import copy
import json
import re
import runpy
import struct
from pathlib import Path
from typing import Any

import pytest

import limitlab

FOLDER = Path(limitlab.__file__).resolve().parent / "notebooks"
NAMES = (
    "1_quickstart",
    "2_signsgd",
    "3_clipping",
    "4_sharpening",
    "5_your_own",
    "6_real_data",
    "7_reading_a_report",
    "8_at_the_edge",
    "9_what_people_run",
    "10_networks",
)
MOST_BYTES = 400_000
MOST_DPI = 120
INCH = 0.0254

#: the script that writes them, which is no module of the package
KEEP = runpy.run_path(str(FOLDER / "keep.py"))
ABSOLUTE = re.compile(r"(?<![\w.:/])/(?:[\w.-]+/)+[\w.-]+|\b[A-Z]:\\\\?\w|\bfile:")
NUMBER = re.compile(r"[+−-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
#: pictures inside what a curve shows: their marks differ from run to run
PICTURE = re.compile(r"base64,[A-Za-z0-9+/=]+")
LINK = re.compile(r"\]\(([^)#]+)\)")


def kept(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))


def code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def outputs(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [output for cell in code(notebook) for output in cell["outputs"]]


def texts(notebook: dict[str, Any]) -> list[str]:
    """What is printed or shown as text, one string an output; progress bars are not kept."""
    found = []
    for output in outputs(notebook):
        if output["output_type"] == "stream" and output["name"] == "stdout":
            found.append("".join(output["text"]))
        for kind, value in sorted(output.get("data", {}).items()):
            if kind.startswith("text/"):
                found.append("".join(value))
    return found


def figures(notebook: dict[str, Any]) -> list[bytes]:
    pictures = (output.get("data", {}).get("image/png") for output in outputs(notebook))
    return [base64.b64decode("".join(picture)) for picture in pictures if picture]


def resolution(png: bytes) -> float:
    """Dots an inch that a PNG states in its pHYs chunk."""
    place = png.index(b"pHYs") + 4
    return struct.unpack(">I", png[place : place + 4])[0] * INCH


def faults(notebook: dict[str, Any]) -> set[str]:
    """Everything that a kept notebook must not have."""
    found = set()
    cells = code(notebook)
    if [cell["execution_count"] for cell in cells] != list(range(1, len(cells) + 1)):
        found.add("not run from top to bottom")
    if not figures(notebook) or not texts(notebook):
        found.add("no outputs")
    if any(output["output_type"] == "error" for output in outputs(notebook)):
        found.add("error")
    if any(output.get("name") == "stderr" for output in outputs(notebook)):
        found.add("stderr")
    if any(ABSOLUTE.search(text) for text in texts(notebook)):
        found.add("path")
    if any(resolution(png) > MOST_DPI + 0.5 for png in figures(notebook)):
        found.add("resolution")
    marked = any(cell["metadata"] for cell in notebook["cells"])
    if marked or notebook["metadata"] != KEEP["METADATA"]:
        found.add("metadata")
    return found


def words(notebook: dict[str, Any]) -> str:
    """The texts without their numbers, which may differ in the last digit between machines."""
    said = PICTURE.sub("base64,", " ".join(texts(notebook)))
    return " ".join(NUMBER.sub("#", said).split())


def test_all_are_there():
    assert sorted(file.stem for file in FOLDER.glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_kept_with_outputs(name):
    assert faults(kept(name)) == set()
    assert (FOLDER / f"{name}.ipynb").stat().st_size <= MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    for cell in kept(name)["cells"]:
        for target in LINK.findall("".join(cell["source"])):
            if cell["cell_type"] == "markdown" and "://" not in target:
                assert (FOLDER / target).exists(), target


def clear(notebook):
    for cell in code(notebook):
        cell["outputs"], cell["execution_count"] = [], None


def say(notebook, text, stream="stdout"):
    output = {"output_type": "stream", "name": stream, "text": text}
    code(notebook)[0]["outputs"].append(output)


SPOILT = {
    "no outputs": clear,
    "not run from top to bottom": lambda n: code(n)[1].update(execution_count=9),
    "error": lambda n: code(n)[0]["outputs"].append({"output_type": "error", "ename": "E"}),
    "stderr": lambda n: say(n, "a warning", "stderr"),
    "path": lambda n: say(n, "kept in /home/someone/cache"),
    "metadata": lambda n: n["cells"][0].update(metadata={"execution": {"started": "now"}}),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_notebook_is_noticed(fault):
    """Negative control of the check of kept notebooks."""
    notebook = copy.deepcopy(kept("1_quickstart"))
    SPOILT[fault](notebook)
    assert fault in faults(notebook)


@pytest.mark.parametrize("fault", ["stderr", "metadata"])
def test_keeping_cleans(fault):
    notebook = copy.deepcopy(kept("1_quickstart"))
    SPOILT[fault](notebook)
    KEEP["clean"](notebook)
    assert faults(notebook) == set()


def test_changed_words_are_noticed():
    """Negative control: another verdict is another text, another last digit is not."""
    notebook = kept("1_quickstart")
    same, other = (copy.deepcopy(notebook) for _ in range(2))
    for changed, old, new in ((same, "0.39", "0.4"), (other, "AGREES", "DISAGREES")):
        for output in outputs(changed):
            if "text" in output:
                output["text"] = [line.replace(old, new) for line in output["text"]]
    assert words(same) == words(notebook) != words(other)


def run(path: Path) -> Any:
    from nbmake.nb_run import NotebookRun

    return NotebookRun(path, default_timeout=KEEP["CELL_TIMEOUT"]).execute()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_runs_and_says_what_is_kept(name):
    """It runs, with its assertions, and what it prints has the words that are kept."""
    result = run(FOLDER / f"{name}.ipynb")
    assert result.error is None, result.error.trace
    assert words(result.nb) == words(kept(name))
    assert len(figures(result.nb)) == len(figures(kept(name)))


@pytest.mark.slow
def test_a_false_claim_fails(tmp_path):
    """Negative control: what the notebooks assert is looked at when they run."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("assert 1 > 2")])
    nbformat.write(notebook, tmp_path / "false.ipynb")
    assert "AssertionError" in run(tmp_path / "false.ipynb").error.summary
