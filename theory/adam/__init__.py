"""Adam on streaming least squares: a conjectured limit.

## Units

As on every stream: step size rate/d, time t = k/d. A memory is slow where (1 − β) d stays of order
one.

## Assumptions

- A conjecture: held against simulation, not proved.
- The inputs are Gaussian and the coordinates of the gradient forget one another.
- Which limit holds is decided by how long the two averages remember beside d steps; a memory
  between short and slow is not covered by either.
"""
