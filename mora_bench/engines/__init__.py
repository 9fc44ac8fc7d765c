"""Where cells run: one engine a file; none knows what running a cell means."""
