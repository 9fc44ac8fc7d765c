"""What takes modalities away: mechanisms of missingness, one file each, and the masks drawn from them."""
