"""Engines: functions that run cells and yield (cell, record) as they finish."""
