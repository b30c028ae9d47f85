"""Where a method stalls, at which rate, and what its sign does."""

from .solvers.memory.best import best_momentum as best_momentum
from .solvers.memory.rest import stability_limit as stability_limit
from .solvers.streaming.advice.effects import effects as effects
from .solvers.streaming.advice.rates import best_rate as best_rate
from .solvers.streaming.advice.rates import rate_for_risk as rate_for_risk
from .solvers.streaming.expectations import expectations as expectations
from .solvers.streaming.stationary import stationary as stationary
