"""The statistics of scores over seeds; numbers in, numbers out, no torch."""
