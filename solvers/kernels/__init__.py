"""Text that generated modules are made of: scalar special functions, and the names that they can call."""
