"""Where cells run: one engine per file; none knows what running a cell means."""
