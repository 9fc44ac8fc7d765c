"""Kinds of content, one file each: from what a table holds to what a backbone is given."""
