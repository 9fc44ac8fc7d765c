"""From published files to samples: tables, splits, decoded contents.

Who sees what, from all to least: a `Table` is a dataset as published, a `Side` its rows in one part of the split,
`Samples` its decoded contents, a `View` what a network reads of them under a mask, `Shown` what a predictor is handed.
"""
