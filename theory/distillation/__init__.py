"""A deep linear student of a deep linear teacher, end to end or block by block."""
