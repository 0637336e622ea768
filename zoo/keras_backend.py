"""Which Keras backend to work with: one that is installed. Importing this imports none of them."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import ModuleType

from zoo.errors import UsageError
from zoo.references import find

BACKENDS = ("tensorflow", "jax", "torch")  # in the order in which they are taken where nothing is said
VARIABLE = "KERAS_BACKEND"
# Packages, and the distributions that bring them.
UNNEEDED = {"sklearn": "scikit-learn", "jax": "jax", "tensorflow": "tensorflow"}
WITHOUT_TENSORFLOW = {"jax": {"jax"}, "torch": set(), "numpy": {"jax"}}  # backends, and what each imports of these

HOME_VARIABLE, CONFIGURATION_FILE = "KERAS_HOME", "keras.json"
# Keras' own defaults, which the zoo's models and references take for granted.
CONFIGURATION = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}
# By these Keras cuts short every fit and predict, or builds its layers on Flax.
IGNORED = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "KERAS_NNX_ENABLED")


def choose(wanted: str | None = None) -> str:
    """The backend of that name, or the first that is installed.

    :raises UsageError: if it isn't installed, or none is; says what to install.
    """
    chosen = wanted or next(filter(is_installed, BACKENDS), None)
    if chosen is None:
        raise UsageError(
            "Keras needs TensorFlow, JAX or PyTorch and none is installed; pip install 'zoobench[tensorflow]' "
            "(or [jax], or [torch]) brings one"
        )
    if not is_installed(chosen):
        brings = f"'zoobench[{chosen}]'" if chosen in BACKENDS else chosen
        raise UsageError(f"{chosen} is not installed here; pip install {brings} brings it")
    return chosen


def environment() -> dict[str, str]:
    """What to set for a worker where any backend will do: the one that `KERAS_BACKEND` names, else one that is there.

    :raises UsageError: as `choose`.
    """
    chosen = choose(os.environ.get(VARIABLE))
    if chosen == "numpy" and not is_installed("jax"):
        raise UsageError("Keras' backend numpy needs JAX; pip install 'zoobench[jax]', or unset KERAS_BACKEND")
    return {VARIABLE: chosen}


def worker_environment(folder: Path, variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give a worker a folder of Keras' in place of the user's: `keras.json` holds what the zoo takes for granted.

    What else the user's folder holds, such as weights that were downloaded, is linked there.

    :param folder: of the worker.
    :param variables: that it will have besides this process's.
    :return: variables to set; None unsets one.
    :raises OSError: if it can't be written.
    """
    home = folder / "keras"
    home.mkdir()
    backend = variables.get(VARIABLE) or os.environ.get(VARIABLE) or next(filter(is_installed, BACKENDS), BACKENDS[0])
    (home / CONFIGURATION_FILE).write_text(json.dumps({**CONFIGURATION, "backend": backend}))
    with contextlib.suppress(OSError):
        for path in _home().iterdir():
            if path.name != CONFIGURATION_FILE:
                (home / path.name).symlink_to(path.absolute())
    return {HOME_VARIABLE: str(home), **dict.fromkeys(IGNORED)}


def configured() -> str | None:
    """The backend that Keras will take in this process: `KERAS_BACKEND`'s, or that of the user's `keras.json`."""
    if named := os.environ.get(VARIABLE):
        return named
    try:
        named = json.loads((_home() / CONFIGURATION_FILE).read_bytes()).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return named if isinstance(named, str) else None


def _home() -> Path:
    """Keras' folder of this user."""
    return Path(os.path.expanduser(os.environ.get(HOME_VARIABLE) or os.path.join("~", ".keras")))


@contextlib.contextmanager
def only_what_is_needed(needed: Collection[str] = ()) -> Iterator[None]:
    """Keep out of the block's imports what nothing here uses, and is imported wherever it is installed.

    Keras imports scikit-learn, for its wrappers, and TensorFlow imports JAX, for TFLite's converter from it: a third of
    the time of `import keras`, and 170 MB, by which a model would seem to need the more the more is installed. Both do
    without if they can't. After the block they can be imported as usual. With JAX or PyTorch Keras would import
    TensorFlow, the first time a seed is set: where the block has imported Keras, it takes it for not installed.

    :param needed: distributions that are to be found in any case.
    """
    chosen = configured()
    wanted = {*needed, *WITHOUT_TENSORFLOW.get(chosen or "", {"tensorflow"})}  # Keras' own choice is TensorFlow
    unneeded = {
        package for package, distribution in UNNEEDED.items() if distribution not in wanted
    } - sys.modules.keys()
    sys.modules.update(dict.fromkeys(unneeded))  # type: ignore[arg-type]  # None makes importing it an ImportError
    try:
        yield
        if "tensorflow" in unneeded and "keras" in sys.modules:
            from keras.src.utils import module_utils

            _ = module_utils.tensorflow.available  # it looks once
    finally:
        for name in unneeded:
            del sys.modules[name]


def import_keras() -> ModuleType:
    """Keras, and only what it needs."""
    with only_what_is_needed():
        return importlib.import_module("keras")


def is_installed(name: str) -> bool:
    """Whether there is a package of that name."""
    return find(name) is not None
