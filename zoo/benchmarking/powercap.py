"""The processor's energy counter, as Linux shows it: the powercap tree, on Intel and on AMD alike.

Source: the kernel's documentation, "Power Capping Framework" (Documentation/power/powercap/powercap.rst).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.files import first_line
from zoo.record.readings import Reading, missing

ROOT = Path("/sys/class/powercap")
# A zone `intel-rapl:0:1` is a part of `intel-rapl:0`, and `intel-rapl-mmio:0` counts the same package once more.
ZONE = re.compile(r"intel-rapl:\d+")
PACKAGE = "package"  # other zones of the first level (psys) contain the packages


@dataclass(frozen=True, slots=True)
class Zone:
    """A package of the processor.

    Attributes:
        most_uj: the largest value of the counter, which then begins from zero; None where the kernel doesn't say.
    """

    counter: Path
    most_uj: int | None


class Powercap:
    """The counters of all packages.

    The kernel documents no rate. The registers behind it are updated about every millisecond, without a time stamp
    (Khan et al. 2018, "RAPL in Action"), so that both ends of a window are off by up to 1 ms: 1 % in 0.2 s.
    """

    name = "powercap"
    least_s = 0.2
    idle_s = 0.5

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = tuple(zones)

    def read(self) -> Reading[tuple[int, ...]]:
        """The counter of each package, in microjoules."""
        counts = []
        for zone in self.zones:
            try:
                counts.append(int(zone.counter.read_text()))
            except PermissionError:
                return missing("no_permission")
            except (OSError, ValueError) as error:
                return missing("error", f"{zone.counter.name}: {type(error).__name__}")
        return Reading(tuple(counts))

    def joules(self, before: tuple[int, ...], after: tuple[int, ...]) -> Reading[float]:
        """What all packages used between two readings."""
        total = 0
        for zone, first, last in zip(self.zones, before, after, strict=True):
            if last < first and zone.most_uj is None:
                return missing("counter_reset")
            total += difference(first, last, zone.most_uj or 0)
        return Reading(total * 1e-6)


def difference(before: int, after: int, most: int) -> int:
    """How far a counter went that begins from zero after `most`; once at the most."""
    return after - before if after >= before else after - before + most + 1


def find(root: Path | None = None) -> Reading[Powercap]:
    """The counter of this machine, if it can be read.

    :param root: of the tree, if not `ROOT`.
    """
    root = root or ROOT
    try:
        folders = sorted(folder for folder in root.iterdir() if ZONE.fullmatch(folder.name))
    except OSError:
        return missing("no_counter")
    packages = [folder for folder in folders if first_line(folder / "name").startswith(PACKAGE)]
    if not packages:
        return missing("no_counter")
    zones = [Zone(folder / "energy_uj", _number(folder / "max_energy_range_uj")) for folder in packages]
    counter = Powercap(zones)
    return counter.read().then(lambda _: counter)


def _number(path: Path) -> int | None:
    line = first_line(path)
    return int(line) if line.isdecimal() else None
