"""The limits of streaming methods, one a file."""
