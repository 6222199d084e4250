"""How a subcommand says that it cannot go on: one line, and which of the two exit codes it means."""


class WrongOption(Exception):
    """An option has a value that is not allowed: exit code 2, and nothing was written."""


class CommandFailed(Exception):
    """The command could not do what was asked: exit code 1."""
