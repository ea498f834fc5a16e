"""The convolution core: see `operator` for what to call, `rules` for what is chosen."""
