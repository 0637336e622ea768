"""What a plugin is called."""

from __future__ import annotations

from dataclasses import dataclass

from zoo import __version__
from zoo.installed import EntryPoint
from zoo.text import printable

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Plugin:
    """An installed distribution's entry point in the group `zoo`."""

    name: str
    distribution: str
    version: str
    reference: str

    @property
    def names(self) -> tuple[str, str]:
        """By which it can be switched off."""
        return self.name, self.distribution

    def __str__(self) -> str:
        if self.name.replace("_", "-") in self.distribution.replace("_", "-"):
            return f"{self.distribution} {self.version}"
        return f"{self.distribution} {self.version} ({self.name})"


def as_plugin(point: EntryPoint) -> Plugin:
    """The plugin at an entry point, by names that can be printed."""
    names = (point.name, point.distribution, point.version, point.reference)
    return Plugin(*(printable(name[:MAX_NAME]) for name in names))


CORE = Plugin("builtin", "zoobench", __version__, "zoo.builtin")
