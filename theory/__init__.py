"""What is learnt, how, and the derivation of the limit; imports numpy and sympy only."""
