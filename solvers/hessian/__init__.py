"""One unit that learns one unit: order parameters, traces, and minima of penalised losses."""
