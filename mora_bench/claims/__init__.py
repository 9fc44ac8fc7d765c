"""What was published, and whether this project's own results say the same."""
