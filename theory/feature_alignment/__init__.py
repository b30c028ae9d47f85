"""Feature learning as alignment: one hidden layer of quadratic units."""
