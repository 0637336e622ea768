"""What the user has set for plugins: which are switched off, and how long reading one may take."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import Any

from zoo.errors import UsageError
from zoo.index import DISABLE_VARIABLE, TIMEOUT_VARIABLE, config_file
from zoo.installed import normalised
from zoo.paths import reason

SETTINGS = {"plugins": {"disabled"}}
TIMEOUT_S = 60.0  # importing TensorFlow takes 4 s on an idle machine, and machines may be busy


def switched_off(disabled: Collection[str]) -> dict[str, str]:
    """The names that are switched off, as they were written, by their normal form.

    :param disabled: those of `--no-plugin`.
    :raises UsageError: if there is a configuration file that can't be read.
    """
    by_environment = [name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()]
    return {normalised(name): name for name in (*disabled, *by_environment, *configured())}


def time_limit() -> float:
    """Seconds for reading one plugin.

    :raises UsageError: if `ZOO_PLUGIN_TIMEOUT` is not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE)
    if not text:
        return TIMEOUT_S
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < 1e6:
            return seconds
    raise UsageError(f"{TIMEOUT_VARIABLE} must be a number of seconds, not {ascii(text)[:80]}")


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
