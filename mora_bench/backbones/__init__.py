"""Pre-trained networks, one family a file: from inputs to tokens, block by block, to a classifier's features."""
