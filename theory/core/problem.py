"""What a problem is: it names its family, the folder in every room that holds its theory."""

from __future__ import annotations

from typing import ClassVar


class Problem:
    """What is learnt.

    A subclass sets ``family``, the name of a folder: ``theory/<family>/derive.py``,
    ``solvers/<family>/solve.py`` and ``validation/simulate/<family>/simulate.py`` are where the
    verbs find it. A class that derives from a shipped problem is of the same family.
    """

    family: ClassVar[str]
