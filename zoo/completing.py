"""What a shell offers when Tab is pressed. It imports nothing, since people wait for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zoo.index import Index

FILE = ":file"  # the shell completes it by itself
KINDS = ("model", "dataset", "runtime", "plugin", "file")


def candidates(grammar: str, words: list[str], load: Callable[[], Index | None]) -> str:
    """The candidates, a line each, with a tab and what it is where that is known.

    :param grammar: the commands, a line each, as `zoo/cli/completion.txt` has them: the command, what it is, the kind
        of its arguments, its options; an option that takes a value is written `--option=KIND` or `--option=a|b`.
    :param words: of the command line after `zoo`, the last of them the one that is being written.
    :param load: gives the index; called only where it is needed.
    """
    commands = {line.split("\t")[0]: line.split("\t")[1:] for line in grammar.splitlines()}
    *before, current = words or [""]
    command, children = "", True
    kind: str | None = None  # of the value that the option before takes
    for word in before:
        if kind is not None:
            kind = None
        elif word.startswith("-"):
            kind = next((o.partition("=")[2] for o in commands[command][2:] if o.startswith(f"{word}=")), None)
        elif children and f"{command} {word}".strip() in commands:
            command = f"{command} {word}".strip()
        else:
            children = False
    head, comma, _ = current.rpartition(",")
    if kind is not None:
        found = [(f"{head}{comma}{name}", what) for name, what in _names(kind, load)]
    elif current.startswith("-"):
        found = [(option.partition("=")[0], "") for option in commands[command][2:]]
    else:
        found = list(_names(commands[command][1], load))
        if children:
            depth = len(command.split()) + 1
            below = [name for name in commands if name and name.split()[:-1] == command.split()]
            found += [(name.split()[-1], commands[name][0]) for name in below if len(name.split()) == depth]
    if found == [(FILE, "")]:
        return FILE
    return "\n".join(f"{name}\t{what}" if what else name for name, what in found if name.startswith(current))


def _names(kind: str, load: Callable[[], Index | None]) -> Iterator[tuple[str, str]]:
    """The names of a kind of thing, each with what it is."""
    if "|" in kind:
        yield from ((choice, "") for choice in kind.split("|"))
    elif kind == "file":
        yield (FILE, "")
    elif kind in KINDS and (index := load()):
        if kind == "model":
            yield from ((row[0], row[-1]) for row in index.rows)
        else:
            names = {"dataset": index.datasets, "runtime": index.runtimes, "plugin": index.plugins}[kind]
            yield from ((name, "") for name in names)
