"""Mechanisms of missingness, which take modalities away, one file each, and the masks drawn from them."""
