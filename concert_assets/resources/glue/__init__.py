"""Glue jobs: the protocol, the local subprocess and AWS Glue."""
