"""Where compiled code lives on disk: one folder a module, trusted only by its checksums."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

MODULE = "generated.py"
MANIFEST = "manifest.json"


def folder() -> Path:
    """Return the cache folder: LIMITLAB_CACHE, or `limitlab` in the user's cache folder."""
    chosen = os.environ.get("LIMITLAB_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return base.expanduser() / "limitlab"


def size() -> tuple[int, int]:
    """Return (number of compiled modules, bytes) in the cache."""
    files = [file for file in folder().rglob("*") if file.is_file()] if folder().is_dir() else []
    return sum(file.name == MODULE for file in files), sum(file.stat().st_size for file in files)


def clear() -> int:
    """Delete every compiled module and return how many there were; nothing else in the folder is
    touched."""
    modules = [path.parent for path in folder().glob(f"*/{MODULE}")] if folder().is_dir() else []
    for module in modules:
        shutil.rmtree(module, ignore_errors=True)
    return len(modules)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, flush it to disk and move it into place.

    Raises
    ------
    OSError
        The folder cannot be written; an older file at `path` is then still whole.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _checksums(home: Path) -> dict[str, str]:
    files = sorted(path for path in home.rglob("*.nb[ic]") if path.is_file())
    return {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def seal(home: Path) -> None:
    """Record the checksums of a module's compiled files (a folder that cannot be written stays
    unsealed)."""
    try:
        write_atomically(home / MANIFEST, json.dumps(_checksums(home), indent=0).encode())
    except OSError:
        return


def is_sealed(home: Path) -> bool:
    """Tell whether the compiled files are present and exactly those that were sealed."""
    try:
        recorded = json.loads((home / MANIFEST).read_bytes())
        return recorded == _checksums(home)
    except (OSError, ValueError):
        return False


def prepare(home: Path, text: str) -> bool:
    """Put the module's text in place; compiled files that are not sealed are removed first.

    Returns
    -------
    bool
        True where the compiled files can be reused.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    module = home / MODULE
    same_text = module.is_file() and module.read_bytes() == text.encode()
    if same_text and is_sealed(home):
        return True
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True, exist_ok=True)
    write_atomically(module, text.encode())
    return False
