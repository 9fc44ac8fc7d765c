"""Tables from records alone; imports no torch."""
