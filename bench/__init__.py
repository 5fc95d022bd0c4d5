"""Benchmarks of the engine beside its peers; see bench/README.md."""
