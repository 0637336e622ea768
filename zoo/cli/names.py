"""What a shell offers for a value when Tab is pressed: names of what plugins bring and of plugins, and files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from zoo.choices import LOCAL

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from zoo.index import Index


def models(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Each model with its summary."""
    return _items(((row[0], row[-1]) for row in _index(context)["rows"]), incomplete)


def datasets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Datasets by name."""
    return _items(((name, "") for name in _index(context)["datasets"]), incomplete)


def runtimes(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Runtimes by name; after a comma, the next of a list."""
    before, comma, last = incomplete.rpartition(",")
    return _items(((name, "") for name in _index(context)["runtimes"]), last, before + comma)


def exporters(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Formats of Results by name."""
    return _items(((name, "") for name in _index(context)["exporters"]), incomplete)


def executors(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Where scenarios can be measured: this machine, and executors by name."""
    return _items(((name, "") for name in (LOCAL, *_index(context)["executors"])), incomplete)


def plugins(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins, by distribution and by entry point."""
    return _items(((name, "") for name in _index(context)["plugins"]), incomplete)


def files(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, which the shell completes by itself."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _items(named: Iterable[tuple[str, str]], incomplete: str, before: str = "") -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(before + name, help=what or None) for name, what in named if name.startswith(incomplete)]


def _index(context: click.Context) -> Index:
    """The index, made now if need be. Whoever presses Tab wants no message; the command itself will give it."""
    from zoo import index

    disabled = context.find_root().params.get("disabled", ())
    if not disabled and (found := index.load()):
        return found
    from zoo import registry

    try:
        return registry.load(disabled).index()
    except Exception:
        return {
            "mentions": [],
            "rows": [],
            "datasets": [],
            "runtimes": [],
            "plugins": [],
            "exporters": [],
            "executors": [],
        }
