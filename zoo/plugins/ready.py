"""Keep what `zoo list` and completion print ready, in the form that `zoo.index` reads."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import index, listing
from zoo.errors import UsageError
from zoo.files import write_atomic
from zoo.plugins.cache import settled, states

if TYPE_CHECKING:
    from zoo.plugins.discover import Discovered
    from zoo.registry import Registry


def write(registry: Registry, discovered: Discovered) -> None:
    """Write the index, unless the one that is there still holds.

    That it can't be written is no error: the next start then takes the long way as this one did.
    """
    if index.load() is not None:
        return
    seen = states(discovered.files)
    if not settled(seen, discovered.since_ns):
        return
    text = index.text(seen, index_of(registry))
    if text is not None:
        with contextlib.suppress(UsageError, OSError, ValueError):
            write_atomic(Path(index.path()), index.sealed(text))


def index_of(registry: Registry) -> index.Index:
    """What is printed of a registry."""
    names = {name for plugin in (*registry.records, *registry.disabled) for name in plugin.names}
    return index.Index(
        registry.mentions(),
        listing.rows(registry.models.values()),
        (list(registry.datasets), list(registry.runtimes), sorted(names)),
    )
