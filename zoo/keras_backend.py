"""Which Keras backend to work with: one that is installed. Imports none of them."""

from __future__ import annotations

import importlib.util
import os

from zoo.errors import UsageError

BACKENDS = ("tensorflow", "jax", "torch")  # in the order in which they are taken where nothing is said
VARIABLE = "KERAS_BACKEND"


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


def is_installed(name: str) -> bool:
    """Whether there is a package of that name."""
    return importlib.util.find_spec(name) is not None
