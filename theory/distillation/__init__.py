"""A deep linear student of a deep linear teacher, end to end or block by block.

## Units

Step size rate; time is rate · steps, the time of the flow, and so is the switching time.

## Assumptions

- Inspired by the recipe of arXiv 2312.13223, of which it is no theory: teacher and student are
  deep and linear, inputs standard normal. It explains the plateau of a small start and what blocks
  gain there; it says nothing of gradient noise on real networks, or of accuracies.
- `"flow"`, `"map"` and `"closed"` are of a student that starts in the singular frames of the
  teacher, so that its modes do not mix; another start is refused there and followed by
  `"matrices"` and `"sde"`.
- `"map"` is exact. The others take the rate to be small, and announce what the length of the steps
  does.
- `"sde"` replaces the second moment of a batch of Gaussian inputs by a Gaussian matrix of the same
  variances, shared by all layers; `substeps=1` keeps the steps of SGD as they are.
- `"closed"`: blocks of one layer; of two layers, balanced or not; of more layers that are equal.
"""
