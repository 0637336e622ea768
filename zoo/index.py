"""The index: what `zoo list` and completion print, kept ready as plain text, and how to know whether it still holds.

Reading it is what a start of `zoo` costs, so this imports nothing that Python hasn't imported already.
"""

from __future__ import annotations

import os
import sys

from zoo import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOME_VARIABLE = "ZOO_HOME"
DISABLE_VARIABLE = "ZOO_DISABLE_PLUGINS"
TIMEOUT_VARIABLE = "ZOO_PLUGIN_TIMEOUT"
SECTION = "\x1d\n"
COLUMNS = ("model", "parameters", "input", "weights", "plugin", "summary")
MODULUS = (1 << 89) - 1


class Index:
    """What the plugins bring, as far as it is printed.

    Attributes:
        mentions: lines for standard error: what is wrong with plugins.
        rows: of the table of models, by `COLUMNS`.
        datasets, runtimes, plugins: names.
    """

    def __init__(self, mentions: list[str], rows: list[list[str]], names: Sequence[list[str]]) -> None:
        self.mentions = mentions
        self.rows = rows
        self.datasets, self.runtimes, self.plugins = names


def load() -> Index | None:
    """The index for this interpreter and its environment, or None where it must be made anew."""
    try:
        with open(path(), "rb") as file:
            text = unsealed(file.read())
        if text is None:
            return None
        header, states, mentions, rows, *names = text.split(SECTION)
        if header != key() or not _holds(states):
            return None
        return Index(mentions.splitlines(), [row.split("\t") for row in rows.splitlines()], [n.split() for n in names])
    except (OSError, ValueError):
        return None


def text(states: Iterable[tuple[str, str]], index: Index) -> str | None:
    """What `load` reads; None where something in it can't be written in this form."""
    lines = [f"{state} {path}" for state, path in states]
    rows = ["\t".join(row) for row in index.rows]
    names = [" ".join(names) for names in (index.datasets, index.runtimes, index.plugins)]
    for line in (*lines, *index.mentions, *rows):
        if len(line.splitlines()) != 1 or SECTION[0] in line:
            return None
    if any(len(row) != len(COLUMNS) or "\t" in "".join(row) for row in index.rows):
        return None
    return SECTION.join((key(), "\n".join(lines), "\n".join(index.mentions), "\n".join(rows), *names))


def _holds(states: str) -> bool:
    for line in states.splitlines():
        before, _, file = line.partition(" ")
        if state(file) != before:
            return False
    return True


def state(file: str) -> str:
    """What changes whenever a file or folder does: the time of its last change, its size and its number."""
    try:
        seen = os.stat(file)
    except (OSError, ValueError):
        return "-"
    return f"{seen.st_ctime_ns}.{seen.st_size}.{seen.st_ino}"


def key() -> str:
    """For which interpreter, zoo and places to look for plugins it is, and which of them are switched off."""
    asked = [os.environ.get(name, "") for name in (DISABLE_VARIABLE, TIMEOUT_VARIABLE)]
    return "\t".join((*interpreter(), *asked)).replace("\n", "\r")


def interpreter() -> tuple[str, ...]:
    """The zoo, the Python and the places to look for plugins."""
    return (__version__, sys.version, sys.prefix, *search_path())


def search_path() -> list[str]:
    """The folders on `sys.path`, as they are called from anywhere."""
    return [os.path.abspath(folder) for folder in sys.path]


def path() -> str:
    """Where the index is kept."""
    return os.path.join(cache_folder(), f"{digest(key())}.index")


def digest(text: str) -> str:
    """A short name for a text. `hash` differs from one start to the next; hashlib takes longer than `zoo list`."""
    content = text.encode("utf-8", "surrogateescape")
    return f"{len(content):x}-{int.from_bytes(content, 'big') % MODULUS:023x}"


def sealed(text: str) -> bytes:
    """The text with its digest before it: `unsealed` tells when it has been damaged."""
    return f"{digest(text)}\n{text}".encode("utf-8", "surrogateescape")


def unsealed(content: bytes) -> str | None:
    """The text that was sealed, or None."""
    before, _, text = content.decode("utf-8", "surrogateescape").partition("\n")
    return text if digest(text) == before else None


def cache_folder() -> str:
    """`ZOO_HOME`/cache, else the platform's place for what can be made anew: platformdirs' answer."""
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
