"""What every theory is made of: the System, printers, checks, errors; it knows no family."""
