"""How far every theory is from the algorithm, measured: the page docs/validity.md.

A study is one theory; its regimes vary the dimension, the start, the rate or the batch, one at a
time. Each is solved and simulated, and the page says by how much the two differ, what the theory
announces and of what it warns.
"""
