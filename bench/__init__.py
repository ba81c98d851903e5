"""Benchmarks: each prints one line of JSON and says what it measured against."""
