"""The competitors, one file each, written against `mora_bench.methods` only."""
