"""The index: what `zoo list` and completion print, kept ready, and how to know whether it still holds.

Reading it is what a start of `zoo` costs, so this imports hardly anything that Python hasn't imported already.
"""

from __future__ import annotations

import os
import sys

from zoo import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    class Index(TypedDict):
        """What the plugins bring, as far as it is printed.

        Attributes:
            mentions: lines for standard error: what is wrong with plugins.
            rows: of the table of models, by `zoo.listing.HEADERS`.
            datasets, runtimes, exporters, executors, plugins: names.
        """

        mentions: list[str]
        rows: list[list[str]]
        datasets: list[str]
        runtimes: list[str]
        exporters: list[str]
        executors: list[str]
        plugins: list[str]


HOME_VARIABLE = "ZOO_HOME"
DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
TIMEOUT_VARIABLE = "ZOO_PLUGIN_TIMEOUT"
MARGIN_NS = 50_000_000  # file systems' clocks are coarse: what has changed so recently may change unseen


def load() -> Index | None:
    """The index for this interpreter and its environment, or None where it must be made again."""
    content = read(cache_file("index", key()), key())
    if content is None or any(state(file) != before for before, file in content["states"]):
        return None
    found: Index = content["index"]
    return found


def read(file: str, key: list[str]) -> Any:
    """What `text` wrote to a file for that key; None if it isn't there, is damaged or is of another key."""
    import json
    import zlib

    try:
        with open(file, "rb") as stream:
            before, _, content = stream.read().partition(b"\n")
        if before != b"%08x" % zlib.crc32(content):
            return None
        found = json.loads(content)
        return found["content"] if found["key"] == key else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def text(key: list[str], content: object) -> bytes:
    """JSON with a checksum before it, by which `read` tells whether it has been damaged.

    :raises ValueError: if the content is not plain data.
    """
    import json
    import zlib

    line = json.dumps({"key": key, "content": content}, allow_nan=False).encode()
    return b"%08x\n%b" % (zlib.crc32(line), line)


def state(file: str) -> str:
    """What changes whenever a file or folder does: the time of its last change, its size and its number."""
    try:
        seen = os.stat(file)
    except (OSError, ValueError):
        return "-"
    return f"{seen.st_ctime_ns}.{seen.st_size}.{seen.st_ino}"


def settled(seen: list[tuple[str, str]], since_ns: int) -> bool:
    """Whether none of these files has changed since then, or so shortly before that it may change again unseen."""
    return all(state == "-" or int(state.partition(".")[0]) < since_ns - MARGIN_NS for state, _ in seen)


def key() -> list[str]:
    """For which interpreter, zoo and places to look for plugins it is, and which of them are switched off."""
    return [*interpreter(), *(os.environ.get(name, "") for name in (DISABLE_VARIABLE, TIMEOUT_VARIABLE))]


def interpreter() -> list[str]:
    """The zoo, the Python and the places to look for plugins."""
    return [__version__, sys.version, sys.prefix, *search_path()]


def search_path() -> list[str]:
    """The folders on `sys.path`, as they are called from anywhere."""
    return [os.path.abspath(folder) for folder in sys.path]


def cache_file(kind: str, key: list[str]) -> str:
    """Where something is kept for a key. Two keys may share a file; it then holds what was written last."""
    import zlib

    return os.path.join(cache_folder(), f"{kind}-{zlib.crc32(repr(key).encode()):08x}.json")


def cache_folder() -> str:
    """`ZOO_HOME`/cache, else the platform's place for what can be made again: platformdirs' answer."""
    return _folder("cache", "XDG_CACHE_HOME", "~/.cache", "~/Library/Caches")


def config_file() -> str:
    """`ZOO_HOME`/config.toml, else one in the platform's place for settings: platformdirs' answer."""
    return os.path.join(_folder("", "XDG_CONFIG_HOME", "~/.config", "~/Library/Application Support"), "config.toml")


def _folder(name: str, variable: str, linux: str, macos: str) -> str:
    if home := os.environ.get(HOME_VARIABLE):
        return os.path.join(os.path.expanduser(home), name)
    chosen = os.environ.get(variable, "").strip()
    if not os.path.isabs(chosen):  # as the XDG specification has it
        chosen = os.path.expanduser(macos if sys.platform == "darwin" else linux)
    return os.path.join(chosen, "zoo")
