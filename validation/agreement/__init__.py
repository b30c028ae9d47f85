"""Does theory agree with runs: tests, power, convergence in the dimension."""
