"""Competitors: the contracts they keep, the network they run in, and MoRA."""
