"""Run notebooks and keep them with their outputs: ``python notebooks/keep.py [NAME.ipynb ...]``.

Only what a reader needs is kept: no times of execution, no progress bars.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: seconds that one cell may take, compiling on a busy machine included
CELL_TIMEOUT = 600


def clean(notebook: Any) -> None:
    """Drop metadata and what went to stderr, in place."""
    notebook["metadata"] = dict(METADATA)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if cell["cell_type"] == "code":
            cell["outputs"] = [out for out in cell["outputs"] if out.get("name") != "stderr"]


def keep(path: Path) -> None:
    """Run a notebook in its folder; write it back only if every cell ran."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=CELL_TIMEOUT).execute(cwd=str(path.parent))
    clean(notebook)
    nbformat.validate(notebook)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for file in [Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb")):
        keep(file)
        print(f"kept {file.name}")
