"""What may go wrong where a key is asked for that signs models."""


class SigningUnavailable(Exception):
    """The key is not given with these settings; trying again does not help."""
