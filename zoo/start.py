"""Where the command `zoo` starts. What must be fast however much is installed, `zoo --help`, `zoo list` and completion,
is answered here from text that lies ready; everything else, and whatever is unusual, by `zoo.cli`.

Importing click alone takes three times as long as starting Python; this imports nothing that isn't there already.
"""

from __future__ import annotations

import os
import sys

from zoo import index, listing

FOLDER = os.path.dirname(__file__)
COMPLETE = "--complete"  # what the scripts of `zoo completion` call; not for people


def main() -> None:
    """Run the command line."""
    try:
        answered = answer(sys.argv[1:])
    except BrokenPipeError:  # the reader of our output has gone, as `head` does: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except KeyboardInterrupt:
        sys.stderr.write("zoo: interrupted\n")
        sys.exit(130)
    if not answered:
        from zoo import cli

        cli.main()


def answer(arguments: list[str]) -> bool:
    """Answer from what lies ready. False, with nothing printed, where that can't be."""
    try:
        text = _text(arguments)
        mentions = ""
        if text is None and arguments[:1] == ["list"] and not any(a.startswith("-") for a in arguments):
            found = index.load()
            rows = _chosen(found.rows, arguments[1:]) if found else []
            if found and rows:
                text = listing.table(rows)
                mentions = "".join(f"zoo: {line}\n" for line in found.mentions)
        if text is None:
            return False
        (text + mentions).encode(sys.stdout.encoding, sys.stdout.errors or "strict")
    except (OSError, ValueError, AttributeError):  # whatever it is, the long way will say
        return False
    if mentions:
        sys.stderr.write(mentions)
    sys.stdout.write(f"{text}\n" if text else "")
    sys.stdout.flush()
    return True


def _text(arguments: list[str]) -> str | None:
    if arguments in ([], ["--help"], ["-h"]):
        return None if listing.terminal_columns() < 80 else _read("help.txt")
    if arguments[:1] == [COMPLETE]:
        from zoo import completing

        return completing.candidates(_read("completion.txt"), arguments[1:], _index)
    return None


def _index() -> index.Index | None:
    """The index, made now if need be."""
    if found := index.load():
        return found
    from zoo import registry
    from zoo.plugins import ready

    try:
        return ready.index_of(registry.load())
    except Exception:  # whoever presses Tab wants no message; the command itself will give it
        return None


def _read(name: str) -> str:
    with open(os.path.join(FOLDER, "cli", name), encoding="utf-8") as file:
        return file.read().removesuffix("\n")


def _chosen(rows: list[list[str]], patterns: list[str]) -> list[list[str]]:
    """The rows that match any of the patterns, in the order asked for; none if one of them matches nothing."""
    if not patterns:
        return rows
    by_name = {row[0]: row for row in rows}
    chosen: dict[str, list[str]] = {}
    for pattern in patterns:
        names = [pattern] if pattern in by_name else []
        if any(c in pattern for c in "*?["):
            from fnmatch import fnmatchcase

            names = [name for name in by_name if fnmatchcase(name, pattern)]
        if not names:
            return []
        chosen.update((name, by_name[name]) for name in names if name not in chosen)
    return list(chosen.values())
