"""What a results folder holds: records, predictions, scores."""
