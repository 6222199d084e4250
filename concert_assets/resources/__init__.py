"""The outside world: a folder a service, its protocol, the embedded and the AWS implementation side by side."""
