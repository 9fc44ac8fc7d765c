"""Pre-trained networks, one family per file: from inputs to tokens, block by block, to a classifier's features."""
