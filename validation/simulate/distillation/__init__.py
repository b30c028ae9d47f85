"""The student's matrices themselves, in frames of their own, on the population or on samples."""
