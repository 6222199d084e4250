"""Signing keys: the protocol and a key kept in the home."""
