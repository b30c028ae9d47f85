"""Does clipping help, where should the threshold be, and could a schedule do the same?"""

from .solvers.streaming.advice.clipping.criteria import clipping_criteria as clipping_criteria
from .solvers.streaming.advice.clipping.thresholds import best_threshold as best_threshold
from .solvers.streaming.advice.clipping.thresholds import fraction_threshold as fraction_threshold
from .solvers.streaming.advice.clipping.units import convert_units as convert_units
from .solvers.streaming.advice.clipping.verdict import can_clipping_help as can_clipping_help
from .solvers.streaming.advice.control.optimise import optimal_schedule as optimal_schedule
from .solvers.streaming.advice.control.report import no_schedule_recovers as no_schedule_recovers
