"""Readers of delivered bytes into canonical raw rows, one file a format."""
