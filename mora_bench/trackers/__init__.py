"""Trackers: where the runs of a grid are shown beside a group's other runs. One hook, `Tracker.ended`, once a cell."""
