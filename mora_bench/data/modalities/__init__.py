"""Kinds of content, one file each: from the values of a table to the inputs of a backbone."""
