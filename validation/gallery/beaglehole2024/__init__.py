"""Features as alignment: models in the spirit of arXiv 2402.05271, formulas of our own."""
