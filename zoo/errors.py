"""The errors a user can meet. Each is one clear line that says what to do, and knows its exit code."""

from __future__ import annotations

# The exit codes of every command (docs/cli.md).
EXIT_OK = 0
EXIT_REGRESSION = 1
EXIT_USAGE = 2
EXIT_FAILED = 3
EXIT_INCONCLUSIVE = 4
EXIT_INTERRUPTED = 130


class ZooError(Exception):
    """Something the user can mend. The message is one line; the command ends with `exit_code`."""

    exit_code = EXIT_FAILED


class UsageError(ZooError):
    """A mistake in what was asked for: an unknown name, a bad option, a folder that isn't there."""

    exit_code = EXIT_USAGE


class SpecError(ZooError, ValueError):
    """What a plugin declares is malformed. Raised where the spec is made, so its author sees the line.

    :param code: the kind of finding that it becomes (`zoo.findings`).
    """

    exit_code = EXIT_USAGE

    def __init__(self, message: str, code: str = "invalid-spec") -> None:
        super().__init__(message)
        self.code = code


class DataError(ZooError):
    """A dataset is there but can't be read, or is not what it says it is."""


class WeightsError(ZooError):
    """Weights can't be trusted or don't fit: wrong digest, names, shapes, types, or not finite."""


class ModelError(ZooError):
    """A model can't be built, or is not what its spec declares."""
