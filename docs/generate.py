"""Write the generated pages of this folder: `make docs`. A test checks that they are up to date."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import errors
from zoo.cli import COMMANDS, group

HERE = Path(__file__).parent
WIDTH = 96

EXIT_CODES = (
    (errors.EXIT_OK, "fine"),
    (errors.EXIT_REGRESSION, "a gate found a regression"),
    (errors.EXIT_USAGE, "a mistake in what was asked for: an unknown name, a bad option, a folder that isn't there"),
    (errors.EXIT_FAILED, "something that was to be measured, built or read failed; the rest was done"),
    (errors.EXIT_INCONCLUSIVE, "the measurement can't tell"),
    (errors.EXIT_INTERRUPTED, "interrupted (Ctrl-C); no process is left behind"),
)


def cli() -> str:
    """`docs/cli.md`: the help of every command, and the exit codes."""
    parts = [
        "# Command line",
        "<!-- Written by docs/generate.py from the commands themselves; `make docs` writes it anew. -->",
        "Data go to standard output, progress and warnings to standard error. An error is one line, "
        "`zoo: …`, that says what to do.",
        _help(group, "zoo"),
    ]
    context = _context(group, "zoo")
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        parts += [f"## zoo {name}", _help(command, f"zoo {name}")]
        if isinstance(command, click.Group):
            for child in command.commands.values():
                parts += [f"### zoo {name} {child.name}", _help(child, f"zoo {name} {child.name}")]
    codes = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES)
    parts += ["## Exit codes", f"| code | meaning |\n| --- | --- |\n{codes}"]
    return "\n\n".join(parts) + "\n"


def _help(command: click.Command, name: str) -> str:
    return f"```text\n{command.get_help(_context(command, name)).rstrip()}\n```"


def _context(command: click.Command, name: str) -> click.Context:
    names = group.context_settings["help_option_names"]
    return click.Context(
        command, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=names
    )


PAGES = {"cli.md": cli}


if __name__ == "__main__":
    for page, write in PAGES.items():
        (HERE / page).write_text(write())
        print(f"docs/{page}")
