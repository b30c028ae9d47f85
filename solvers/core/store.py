"""A folder of results that survives a kill: every file is whole, whenever the power goes.

A file is written under a temporary name, flushed to disk and moved into place, and carries its
checksum. One process writes at a time: the system holds the lock, and gives it back with the
process. ``asked.json`` holds what was asked for, and nothing else may be added.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ...theory.core.errors import InvalidInput
from . import cache
from .container import Damaged, decode, encode
from .describe import difference

ASKED = "asked.json"
LOCK = "lock"
#: stores within a store: parts of it that others write
PARTS = "shard-*-of-*"
#: folders that this process writes to
_ours: set[Path] = set()
_taking = threading.Lock()


class Store:
    """An open folder of results; use it in a ``with``.

    Parameters
    ----------
    folder : path-like
    asked : dict of str
        What the results belong to, field by field.

    Raises
    ------
    InvalidInput
        Another process writes to it; it holds results of something else; it cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], asked: Mapping[str, str]) -> None:
        self.folder, self.asked = Path(folder), dict(asked)
        self._lock: IO[bytes] | None = None
        self._held: Path | None = None

    def __enter__(self) -> Store:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._take()
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._check()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _take(self) -> None:
        """Become the one writer; workers that this process has forked do not outlive it as one.

        Such a lock ends with the first file of this process on that path that is closed, so that no
        second one is opened.
        """
        here = self.folder.resolve()
        with _taking:
            if here in _ours:
                raise self._in_use()
            lock = open(here / LOCK, "a+b")  # noqa: SIM115
            if not cache.locked(lock, forked=False):
                lock.close()
                raise self._in_use()
            _ours.add(here)
            self._lock, self._held = lock, here

    def __exit__(self, *_: Any) -> None:
        with _taking:
            if self._lock is not None and self._held is not None:
                _ours.discard(self._held)
                self._lock.close()
            self._held = self._lock = None

    def _in_use(self) -> InvalidInput:
        remedy = "another process writes to it; wait for it, or choose another folder"
        return InvalidInput("store", str(self.folder), remedy)

    def _unwritable(self, error: OSError) -> InvalidInput:
        remedy = f"cannot be written ({error.strerror}); what it holds is whole"
        return InvalidInput("store", str(self.folder), remedy)

    def _check(self) -> None:
        for left in self.folder.glob(".*.*"):  # of a process that was killed while it wrote
            left.unlink(missing_ok=True)
        known = asked_of(self.folder)
        if known is None:
            known_parts = {LOCK, *(path.name for path in self.folder.glob(PARTS))}
            strangers = [p.name for p in self.folder.iterdir() if p.name not in known_parts]
            if strangers:
                remedy = f"holds other files ({strangers[0]}); give a folder of its own"
                raise InvalidInput("store", str(self.folder), remedy)
            self._write(ASKED, json.dumps(self.asked, indent=1).encode())
            return
        why = difference(self.asked, known)
        if why:
            remedy = f"holds results of something else: {why}; choose another folder"
            raise InvalidInput("store", str(self.folder), remedy)

    def _write(self, name: str, content: bytes) -> None:
        try:
            cache.write_atomically(self.folder / name, content)
        except OSError as error:
            raise self._unwritable(error) from error

    def names(self) -> list[str]:
        """The names of what is kept."""
        return sorted(p.stem for p in self.folder.glob("*.results"))

    def get(self, name: str) -> Any:
        """Return what is kept under a name, or None.

        Raises
        ------
        InvalidInput
            A damaged file.
        """
        path = self.folder / f"{name}.results"
        try:
            return decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except (Damaged, OSError, KeyError, ValueError) as error:
            remedy = f"damaged ({error}); delete this file, and it is computed again"
            raise InvalidInput("store", str(path), remedy) from None

    def put(self, name: str, value: Any) -> None:
        """Keep a value under a name; an older one stays until the new one is whole.

        Raises
        ------
        InvalidInput
            The disk is full, or the folder cannot be written.
        """
        self._write(f"{name}.results", encode(value))


def asked_of(folder: str | os.PathLike[str]) -> dict[str, str] | None:
    """Return what the results of a folder belong to; None where it holds none.

    Raises
    ------
    InvalidInput
        A damaged file.
    """
    path = Path(folder) / ASKED
    try:
        return {str(k): str(v) for k, v in json.loads(path.read_bytes()).items()}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput("store", str(path), f"damaged ({error})") from None
