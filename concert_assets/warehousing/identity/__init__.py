"""Which artists and venues are one, by names and other evidence; pure, over rows handed in, but for merging.py."""
