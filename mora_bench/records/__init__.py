"""Records, predictions and scores of a results folder."""
