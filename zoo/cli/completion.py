"""`zoo completion`: the script by which a shell completes commands, options and names. Click writes it."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete commands, options and names.

    \b
    bash: eval "$(zoo completion bash)" in ~/.bashrc
    zsh:  eval "$(zoo completion zsh)" in ~/.zshrc, after compinit
    fish: zoo completion fish > ~/.config/fish/completions/zoo.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has a class for each of SHELLS
    click.echo(kind(context.find_root().command, {}, "zoo", "_ZOO_COMPLETE").source())
