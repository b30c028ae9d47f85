"""Rates and thresholds that change in time, or with the state."""

from .solvers.streaming.advice.schedule_rules import FixedFraction as FixedFraction
from .solvers.streaming.advice.schedule_rules import MatchedDrift as MatchedDrift
from .solvers.streaming.advice.schedule_rules import ProportionalThreshold as ProportionalThreshold
from .solvers.streaming.advice.schedules import greedy as greedy
from .solvers.streaming.advice.schedules import schedule_along as schedule_along
from .theory.core.symbols import t as t
from .theory.core.tabulated import interpolated as interpolated
from .theory.schedules.following import AdaGradNorm as AdaGradNorm
from .theory.schedules.following import LineSearch as LineSearch
from .theory.schedules.following import PolyakStep as PolyakStep
from .theory.schedules.running_quantile import RunningQuantile as RunningQuantile
from .theory.schedules.schedule import constant as constant
from .theory.schedules.schedule import cosine as cosine
from .theory.schedules.schedule import power_decay as power_decay
from .theory.schedules.shapes import inverse_sqrt as inverse_sqrt
from .theory.schedules.shapes import piecewise as piecewise
from .theory.schedules.shapes import steps as steps
from .theory.schedules.shapes import warmup as warmup
from .theory.schedules.shapes import warmup_cosine as warmup_cosine
from .theory.schedules.shapes import wsd as wsd
