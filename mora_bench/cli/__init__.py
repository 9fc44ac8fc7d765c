"""The command line, one verb per file. Nothing heavy is imported before a verb needs it."""
