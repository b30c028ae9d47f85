"""The limits of second-order regression, solved."""
