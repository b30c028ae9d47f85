"""Feature learning as alignment: one hidden layer of quadratic units.

## Units

Step size rate; time is rate · steps, the time of the flow.

## Assumptions

- Gaussian inputs, a network of one hidden layer of quadratic units, and a quadratic teacher; the
  motion is that on the population.
- `"map"` is exact. `"flow"` takes the rate to be small; `"closed"` holds for `readout="ones"` with
  S = 1.
- Runs on batches scatter about the population's motion.
"""
