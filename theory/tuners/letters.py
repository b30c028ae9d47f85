"""The symbols of the tuners, and what of a loss they stand for."""

from __future__ import annotations

import sympy as sp

#: coordinates, and the sharpness l₀ + k u
x, u, lam = sp.symbols("x u lambda", real=True)
l0, k, alpha = sp.symbols("l_0 k alpha", real=True)
#: curvature of the parabola that ends the valley, and where it ends
h, bottom = sp.symbols("h u_s", real=True)
kappa = sp.Symbol("kappa", positive=True)
x1, x2 = sp.symbols("x_1 x_2", real=True)
#: logarithms of g₁²/g₂² and of |g|²
ratio, size = sp.symbols("rho G", real=True)

#: the step, and what is seen along the gradient
eta, loss = sp.symbols("eta f", real=True)
square = sp.Symbol("g2", nonnegative=True)
bend, third, fourth = sp.symbols("gHg T_3 T_4", real=True)

#: further coordinates and their curvatures
m = sp.Symbol("m", integer=True, nonnegative=True)
j = sp.Symbol("j", integer=True, nonnegative=True)
v = sp.IndexedBase("v", shape=(m,))
curvatures = sp.IndexedBase("h_bulk", shape=(m,))
slopes = sp.IndexedBase("g_bulk", shape=(m,))
every = (j, 0, m - 1)
#: noise of the gradient at a step, along x, u and v
noise = sp.IndexedBase("xi", shape=(sp.Symbol("steps", integer=True), m + 2))

#: |g|² from which on a run has converged: squares of it are no longer floats to full accuracy
TINY = sp.Float("1e-280")
