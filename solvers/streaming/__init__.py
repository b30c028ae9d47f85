"""The limits of streaming methods, solved."""
