"""What Linux's control groups allow this process: processor time and memory, and how often it was held back.

Both versions, and every group from the process's own up to the one at the top that can be seen: the tightest limit
counts. Sources: the kernel's `admin-guide/cgroup-v2.rst`, `admin-guide/cgroup-v1/memory.rst`, `scheduler/sched-bwc.rst`
and `filesystems/proc.rst` (mountinfo).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo.files import first_line, lines

NO_LIMIT_BYTES = 2**62  # version 1 says "no limit" by the largest number of pages
ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Quota:
    """Processor time in each period, both in microseconds."""

    quota_us: int
    period_us: int

    @property
    def cores(self) -> float:
        """How many cores that amounts to."""
        return self.quota_us / self.period_us


@dataclass(frozen=True, slots=True)
class Throttling:
    """How often a group used up its quota since it was made, and the seconds for which it then had to wait.

    The seconds are those of all its threads together.
    """

    periods: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Group:
    """A folder of a control group, and which version of control groups it belongs to."""

    folder: Path
    version: int


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that this process is in, each from its own to the top.

    Attributes:
        cpu: that share out processor time.
        memory: that share out memory.
    """

    cpu: tuple[Group, ...]
    memory: tuple[Group, ...]

    @classmethod
    def of_this_process(cls, proc: Path = Path("/proc/self")) -> Groups:
        """Read where this process stands; no groups where the system has none."""
        paths, mounts = lines(proc / "cgroup"), lines(proc / "mountinfo")
        return cls(_chain(paths, mounts, "cpu"), _chain(paths, mounts, "memory"))

    def quota(self) -> Quota | None:
        """The tightest quota of processor time; None if there is none."""
        found = [quota for group in self.cpu if (quota := _quota(group)) is not None]
        return min(found, key=lambda quota: quota.cores, default=None)

    def memory_limit_bytes(self) -> int | None:
        """The tightest limit of memory; None if there is none."""
        found = [limit for group in self.memory if (limit := _memory(group)) is not None]
        return min(found, default=None)

    def throttling(self) -> Throttling | None:
        """Of the group that was held back longest; None where no group has a quota."""
        found = [_throttling(group) for group in self.cpu if _quota(group) is not None]
        return max((one for one in found if one is not None), key=lambda one: one.seconds, default=None)


def _chain(paths: list[str], mounts: list[str], controller: str) -> tuple[Group, ...]:
    """The groups of a controller: version 1 where that has it, else version 2."""
    by_version: dict[int, str] = {}
    for line in paths:
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            by_version[1] = path
        elif not names:
            by_version[2] = path
    for version in (1, 2):
        mounted = _mount(mounts, controller, version)
        if version in by_version and mounted is not None:
            return tuple(Group(folder, version) for folder in _upwards(*mounted, by_version[version]))
    return ()


def _mount(mounts: list[str], controller: str, version: int) -> tuple[Path, str] | None:
    """Where a controller's groups are mounted, and which group is at the top there."""
    for line in mounts:
        before, _, after = line.partition(" - ")
        fields, (kind, _, options) = before.split(), after.split(maxsplit=2)
        if kind == "cgroup2" if version == 2 else kind == "cgroup" and controller in options.split(","):
            return Path(_unescaped(fields[4])), _unescaped(fields[3])
    return None


def _upwards(mounted: Path, top: str, path: str) -> Iterator[Path]:
    """The group's folder and those above it, as far as they are mounted.

    :param top: the group at the top of what is mounted. A container may see only groups from there on.
    """
    try:
        inside = PurePosixPath(path).relative_to(top)
    except ValueError:  # the process is elsewhere, as far as can be seen from here
        inside = PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    for part in (inside, *inside.parents):
        yield mounted / part


def _quota(group: Group) -> Quota | None:
    if group.version == 2:
        words = first_line(group.folder / "cpu.max").split()
    else:
        words = [first_line(group.folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    if len(words) != 2 or not all(word.isdecimal() for word in words):  # "max", or "-1"
        return None
    quota, period = map(int, words)
    return Quota(quota, period) if quota and period else None


def _memory(group: Group) -> int | None:
    word = first_line(group.folder / ("memory.max" if group.version == 2 else "memory.limit_in_bytes"))
    return int(word) if word.isdecimal() and int(word) < NO_LIMIT_BYTES else None


def _throttling(group: Group) -> Throttling | None:
    values = dict(line.split(maxsplit=1) for line in lines(group.folder / "cpu.stat") if " " in line)
    try:
        if group.version == 2:
            return Throttling(int(values["nr_throttled"]), int(values["throttled_usec"]) / 1e6)
        return Throttling(int(values["nr_throttled"]), int(values["throttled_time"]) / 1e9)
    except (KeyError, ValueError):
        return None


def _unescaped(text: str) -> str:
    """Blanks and backslashes in mountinfo are octal numbers."""
    return ESCAPED.sub(lambda match: chr(int(match[1], 8)), text)
