"""A point of the grid: its settings, how it is trained, and where it runs."""
