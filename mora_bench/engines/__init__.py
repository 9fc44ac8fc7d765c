"""The engines, which run cells here or elsewhere: one per file; none knows what running a cell means."""
