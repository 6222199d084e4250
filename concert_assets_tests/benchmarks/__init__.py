"""Benchmarks: scripts that print what they measure; nothing here passes or fails."""
