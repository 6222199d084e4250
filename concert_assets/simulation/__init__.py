"""The simulated world that the generator draws from, and its truth."""
