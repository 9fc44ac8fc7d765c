"""Readers: published datasets, tables of one's own, and files of every kind that a table can name."""
