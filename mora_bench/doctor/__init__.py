"""The looks of doctor, for contents of a dataset that make scores mean less than they seem."""
