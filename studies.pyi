"""Many curves: planes of theory and runs, and the numbers of a theory from observed curves."""

from .validation.figures.sweeps import heatmap as heatmap
from .validation.figures.sweeps import lines as lines
from .validation.fit.fit import fit as fit
from .validation.frontier.frontier import compute_frontier as compute_frontier
from .validation.sweep.result import Sweep as Sweep
from .validation.sweep.sweep import sweep as sweep
