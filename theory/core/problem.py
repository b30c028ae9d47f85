"""What names a family, the folder in every room that holds its theory: a problem, and a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .by_content import Compared
from .show import Shown


class Problem(Shown, Compared):
    """What is learnt.

    A subclass sets ``family``, the name of a folder: ``theory/<family>/derive.py``,
    ``solvers/<family>/solve.py`` and ``validation/simulate/<family>/simulate.py`` are where the
    verbs find it. A class that derives from a shipped problem is of the same family.

    Examples
    --------
    >>> import limitlab as ll
    >>> problem = ll.TwoEigenvalueModel(epsilon=0.01, invariant=0.2)
    >>> isinstance(problem, ll.Problem), problem.family
    (True, 'two_eigenvalues')
    """

    family: ClassVar[str]
    #: whether every run has a problem of its own, such as its own curvature
    drawn: ClassVar[bool] = False


class Learner(Shown, Compared):
    """What learns it: the base of every method."""

    #: family of a problem → the family of this method there, where it has a theory of its own
    families: ClassVar[Mapping[str, str]] = {}

    def family_on(self, family: str) -> str:
        """Return the family of this method on a problem of a family."""
        return self.families.get(family, family)
