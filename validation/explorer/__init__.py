"""A local page on which curves follow while parameters are dragged."""
