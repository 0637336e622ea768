"""Where the command `zoo` starts. `zoo list` must be fast however much is installed: it is answered here from text that
lies ready. Everything else, and whatever is unusual, is for `zoo.cli`.

Importing click alone takes three times as long as starting Python; this imports nothing that isn't there already.
"""

from __future__ import annotations

import os
import sys

from zoo import index, listing, streams


def main() -> None:
    """Run the command line."""
    try:
        streams.prepare()
        answered = "_ZOO_COMPLETE" not in os.environ and answer(sys.argv[1:])
    except BrokenPipeError:  # the reader of our output has gone, as `head` does: nothing is wrong
        streams.give_up()
        sys.exit(0)
    except OSError as error:
        streams.give_up()
        sys.stderr.write(f"zoo: {streams.cause(error)}\n")
        sys.exit(3)
    except KeyboardInterrupt:
        sys.stderr.write("zoo: interrupted\n")
        sys.exit(130)
    if not answered:
        from zoo import cli

        cli.main()


def answer(arguments: list[str]) -> bool:
    """Answer `zoo list` from what lies ready. False, with nothing printed, where that can't be."""
    if arguments[:1] != ["list"] or any(argument.startswith("-") for argument in arguments):
        return False
    try:
        found = index.load()
        if not found:
            return False
        rows, missing = listing.select({row[0]: row for row in found["rows"]}, arguments[1:])
        if missing is not None or not rows:
            return False
        text = listing.table(list(rows.values()))
        mentions = "".join(f"zoo: {line}\n" for line in found["mentions"])
        (text + mentions).encode(sys.stdout.encoding, sys.stdout.errors or "strict")
    except (OSError, ValueError, AttributeError):  # whatever it is, the long way will say
        return False
    if mentions:
        sys.stderr.write(mentions)
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
    return True
