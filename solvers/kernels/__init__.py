"""Text that generated modules are made of: special functions and the names they can call."""
