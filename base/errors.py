"""The two errors that reach the user, and the exit codes they become.

The message is one line: what is wrong, the offending value, what to do.
"""


class UserError(ValueError):
    """A mistake of the caller, in an argument, a file or an id: exit code 2.

    It is a ``ValueError``, so Python callers need not know this class.
    """

    exit_code = 2


class WorldError(Exception):
    """A fault of the network, the disk or the memory, or a diverged loss: exit code 1."""

    exit_code = 1
