"""Read plugins: each is imported, and its hooks are called, in a process of its own with a time limit."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.installed import EntryPoint
from zoo.plugins.record import Record


def read(
    points: Sequence[EntryPoint], *, path: Sequence[str] | None = None, timeout_s: float | None = None
) -> list[Record]:
    """What each plugin declares, in the order given. It raises nothing that a plugin does: that becomes findings.

    :param points: entry points, as `zoo.installed.entry_points` finds them, or made from a pyproject.toml.
    :param path: what `sys.path` is for them; by default this process's. A source tree need not be installed.
    :param timeout_s: seconds for each; by default those of `ZOO_PLUGIN_TIMEOUT`, else 30.
    """
    raise NotImplementedError
