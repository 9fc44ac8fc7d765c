"""The competitors, one file each, written against `mora_bench.method` and `mora_bench.imputer` only."""
