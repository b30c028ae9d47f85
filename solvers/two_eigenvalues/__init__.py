"""The two-eigenvalue model, solved."""
