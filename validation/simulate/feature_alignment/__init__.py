"""The network of quadratic units itself, by descent and on fresh samples."""
