"""Conservative sharpening and the stochastic edge of stability (model of arXiv 2404.19261)."""
