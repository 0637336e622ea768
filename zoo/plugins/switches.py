"""Which plugins the user has switched off: by `--no-plugin`, by `ZOO_DISABLE_PLUGINS`, or in the configuration file."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

from zoo.errors import UsageError
from zoo.index import DISABLE_VARIABLE, config_file
from zoo.installed import normalised
from zoo.paths import reason

SETTINGS = {"plugins": {"disabled"}}


def switched_off(disabled: Collection[str]) -> dict[str, str]:
    """The names that are switched off, as they were written, by their normal form.

    :param disabled: those of `--no-plugin`.
    :raises UsageError: if there is a configuration file that can't be read.
    """
    by_environment = [name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()]
    return {normalised(name): name for name in (*disabled, *by_environment, *configured())}


def configured() -> list[str]:
    """What the configuration file switches off: `[plugins]`, `disabled = ["name"]`.

    :raises UsageError: one line, if it can't be read or has another form.
    """
    file = config_file()
    try:
        with open(file, "rb") as stream:
            content = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}") from None
    import tomllib

    try:
        settings = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not TOML: {error}") from None
    _check_names(file, "", settings, SETTINGS)
    table = settings.get("plugins", {})
    if not isinstance(table, dict):
        raise UsageError(f"{file}: plugins must be a table: [plugins]")
    _check_names(file, "plugins.", table, SETTINGS["plugins"])
    names = table.get("disabled", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError(f'{file}: plugins.disabled must be a list of names: disabled = ["name"]')
    return names


def _check_names(file: str, before: str, table: dict[str, Any], known: Collection[str]) -> None:
    for name in table:
        if name not in known:
            raise UsageError(f"{file}: there is no setting {before}{ascii(name)[1:-1][:80]}, but {', '.join(known)}")
