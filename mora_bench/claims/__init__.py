"""Published claims, and whether this project's results reproduce them."""
