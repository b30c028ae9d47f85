"""What is raised: every error names the field, the value and the remedy."""

from .theory.core.errors import Interrupted as Interrupted
from .theory.core.errors import InvalidInput as InvalidInput
from .theory.core.errors import InvalidType as InvalidType
from .theory.core.errors import LimitlabError as LimitlabError
from .theory.core.errors import NoLimit as NoLimit
from .theory.core.errors import NotAvailable as NotAvailable
from .theory.core.errors import SolveFailed as SolveFailed
from .theory.core.errors import ValidityWarning as ValidityWarning
