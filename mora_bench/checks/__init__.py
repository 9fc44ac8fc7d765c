"""What every contract's implementations must keep, as rules that say in plain words which one is broken."""
