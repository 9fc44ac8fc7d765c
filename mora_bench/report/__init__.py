"""The report of a results folder, from its files alone; imports no torch."""
