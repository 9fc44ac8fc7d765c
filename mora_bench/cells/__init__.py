"""What one point of the grid is, how it is trained, and where it runs."""
