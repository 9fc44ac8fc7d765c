"""What a results folder shows, from its files alone; imports no torch."""
