"""Figures from the contents of a results folder; matplotlib is imported when one is drawn."""
