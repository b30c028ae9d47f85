"""The symbols that every derivation shares."""

from __future__ import annotations

import sympy as sp

#: time t = k/d (streaming problems) or steps (finite-data problems); schedules are written in it
t = sp.Symbol("t", nonnegative=True)
#: excess risk R = ½ δᵀKδ
risk = sp.Symbol("R", positive=True)
#: ambient dimension d
dimension = sp.Symbol("d", positive=True)
#: residual ℓ = ⟨x, δ⟩ − ε
residual = sp.Symbol("ell", real=True)
#: label noise ε
noise = sp.Symbol("epsilon", real=True)
#: samples a step, where there are several
batch_size = sp.Symbol("B", positive=True)
#: mode energy y_i, decay rate λ_i and source weight q_i of mode i
energy = sp.Symbol("y_i", nonnegative=True)
decay_rate = sp.Symbol("lambda_i", positive=True)
source_weight = sp.Symbol("q_i", nonnegative=True)
#: the same of a second mode j, and δ_ij
other_energy = sp.Symbol("y_j", nonnegative=True)
other_decay_rate = sp.Symbol("lambda_j", positive=True)
other_source_weight = sp.Symbol("q_j", nonnegative=True)
same_mode = sp.KroneckerDelta(*sp.symbols("i j", integer=True))
