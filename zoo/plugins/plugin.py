"""What a plugin is called."""

from __future__ import annotations

from dataclasses import dataclass

from zoo import __version__


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


CORE = Plugin("builtin", "zoobench", __version__, "zoo.builtin")
