"""The `concert-assets` command: its options, what each subcommand does, and what it prints."""
