"""One unit that learns one unit: both parts of the Hessian in two order parameters."""
