"""The two errors a person can meet, and the exit codes they become.

Each carries one line: what is wrong, the offending value, what to do.
"""


class UserError(Exception):
    """The caller's mistake (a flag, a file, an id): exit code 2."""

    exit_code = 2


class WorldError(Exception):
    """The world's fault (network, disk, memory, a diverged loss): exit code 1."""

    exit_code = 1
