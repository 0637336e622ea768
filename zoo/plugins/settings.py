"""What the user has set for plugins: which are switched off, and how long reading one may take."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

import msgspec

from zoo.errors import UsageError
from zoo.index import DISABLE_VARIABLE, TIMEOUT_VARIABLE, config_file
from zoo.installed import normalised
from zoo.paths import reason
from zoo.text import printable

TIMEOUT_S = 60.0  # importing TensorFlow takes 4 s on an idle machine, and machines may be busy


class _Plugins(msgspec.Struct, forbid_unknown_fields=True):
    disabled: list[str] = []


class _Settings(msgspec.Struct, forbid_unknown_fields=True):
    plugins: _Plugins = msgspec.field(default_factory=_Plugins)


def switched_off(disabled: Collection[str]) -> dict[str, str]:
    """The names that are switched off, as they were written, by their normal form.

    :param disabled: those of `--no-plugin`.
    :raises UsageError: if there is a configuration file that can't be read.
    """
    by_environment = [name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",") if name.strip()]
    return {normalised(name): name for name in (*disabled, *by_environment, *_configured())}


def time_limit() -> float:
    """Seconds for reading one plugin.

    :raises UsageError: if `ZOO_PLUGIN_TIMEOUT` is not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE) or str(TIMEOUT_S)
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(text)) < 1e6:
            return seconds
    raise UsageError(f"{TIMEOUT_VARIABLE} must be a number of seconds, not {ascii(text)[:80]}")


def _configured() -> list[str]:
    """What the configuration file switches off: `[plugins]`, `disabled = ["name"]`."""
    file = config_file()
    try:
        with open(file, "rb") as stream:
            return msgspec.toml.decode(stream.read(), type=_Settings).plugins.disabled
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UsageError(f"can't read {file}: {reason(error)}") from None
    except msgspec.ValidationError as error:
        text = f"{error}; the only setting is [plugins] disabled, a list of names"
        raise UsageError(f"{file}: {printable(text)}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not TOML: {printable(str(error))}") from None
