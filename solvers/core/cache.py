"""Where compiled code lives on disk: one folder a module, trusted only by its checksums."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

MODULE = "generated.py"
MANIFEST = "manifest.json"
#: seconds to wait for another process that compiles the same module; the longest take about 30
PATIENCE = 120.0


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
        module.with_name(f"{module.name}.lock").unlink(missing_ok=True)
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


def is_writable() -> bool:
    """Tell whether the cache folder can be made and written."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder(), prefix=".writable.")
    except OSError:
        return False
    os.close(handle)
    os.unlink(name)
    return True


@contextmanager
def turn(home: Path, patience: float = PATIENCE) -> Iterator[bool]:
    """Hold the lock of a module while it is compiled; processes that want the same one wait.

    The system gives the lock of a process that dies to the next one.

    Parameters
    ----------
    patience : float
        Seconds to wait.

    Yields
    ------
    bool
        Whether the lock is ours; False where another process held it for longer than that.
    """
    with open(home.with_name(f"{home.name}.lock"), "a+b") as stream:
        ours, until = locked(stream), time.monotonic() + patience
        while not ours and time.monotonic() < until:
            time.sleep(0.05)
            ours = locked(stream)
        yield ours  # closing the file gives the lock back


def locked(stream: IO[bytes], forked: bool = True) -> bool:
    """Take the lock of an open file if nobody holds it.

    Parameters
    ----------
    forked : bool
        Whether processes that this one forks hold it with it; without them the lock ends with this
        process, and another file of this process on the same path does not find it taken.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            take = fcntl.flock if forked else fcntl.lockf
            take(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # a file system without locks keeps nobody waiting
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
    return True


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
