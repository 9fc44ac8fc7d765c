"""From a preset and flags to cells, and from cells to bundles that are run as one."""
