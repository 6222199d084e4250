"""Object storage: the protocol, the folder store and S3."""
