"""From cells to records: training, prediction, cost."""
