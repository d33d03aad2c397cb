"""Benchmarks: quality and speed, measured beside a named peer in the same run."""
