"""Which Keras backend to work with: one that is installed. Importing this imports none of them."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Collection, Iterator
from types import ModuleType

from zoo.errors import UsageError

BACKENDS = ("tensorflow", "jax", "torch")  # in the order in which they are taken where nothing is said
VARIABLE = "KERAS_BACKEND"
# Packages, and the distributions that bring them.
UNNEEDED = {"sklearn": "scikit-learn", "jax": "jax", "tensorflow": "tensorflow"}


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
    """What to set for a worker where any backend will do: nothing if `KERAS_BACKEND` names one that is there, or if
    TensorFlow is there and Keras may choose by its own configuration.

    :raises UsageError: as `choose`.
    """
    named = os.environ.get(VARIABLE)
    if named == "numpy":  # Keras' own
        return {}
    chosen = choose(named)
    return {} if named or chosen == BACKENDS[0] else {VARIABLE: chosen}


@contextlib.contextmanager
def only_what_is_needed(needed: Collection[str] = ()) -> Iterator[None]:
    """Keep out of the block's imports what nothing here uses, and is imported wherever it is installed.

    Keras imports scikit-learn, for its wrappers, and TensorFlow imports JAX, for TFLite's converter from it: a third of
    the time of `import keras`, and 170 MB, by which a model would seem to need the more the more is installed. Both do
    without if they can't. After the block they can be imported as usual. With JAX or PyTorch Keras would import
    TensorFlow, the first time a seed is set: where the block has imported Keras, it takes it for not installed.

    :param needed: distributions that are to be found in any case.
    """
    chosen = os.environ.get(VARIABLE)
    wanted = {*needed, chosen}
    if chosen not in ("jax", "torch"):  # Keras' own choice may be TensorFlow
        wanted.add("tensorflow")
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
    return importlib.util.find_spec(name) is not None
