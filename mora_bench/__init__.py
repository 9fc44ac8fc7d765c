"""Benchmarks and ablations for learning with missing modalities on medical data."""
