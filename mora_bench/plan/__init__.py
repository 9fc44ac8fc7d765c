"""From a preset and flags to cells."""
