"""`zoo completion`: what a shell needs to complete commands, options and the names of models."""

from __future__ import annotations

from pathlib import Path

import click

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = Path(__file__).parent / "shells"


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that lets a shell complete commands, options and names.

    \b
    bash: eval "$(zoo completion bash)" in ~/.bashrc
    zsh:  eval "$(zoo completion zsh)" in ~/.zshrc, after compinit
    fish: zoo completion fish > ~/.config/fish/completions/zoo.fish
    """
    click.echo((SCRIPTS / f"zoo.{shell}").read_text(encoding="utf-8"), nl=False)
