"""What executes a built model. A `RuntimeSpec` names a class that follows the protocol `Runtime`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import keras
    import numpy as np


class Session(Protocol):
    """A model made ready to run at one batch size. What lies between `place` and `wait` is timed."""

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """Put a batch where the device reads it. `images`: float32, (batch, height, width, channels)."""

    def run(self, placed: Any) -> Any:
        """Start the computation of the logits of a placed batch."""

    def wait(self, output: Any) -> None:
        """Return when the device has finished computing `output`."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """The logits in host memory: float32, (batch, classes)."""


class Runtime(Protocol):
    """A way of running models."""

    def start(self, *, device: str, precision: str, threads: int | None) -> dict[str, Any]:
        """Import the framework and set it up; called once, before Keras is imported.

        :param device: "cpu" or "gpu".
        :param precision: such as "float32".
        :param threads: for the computation; None is the framework's own choice.
        :return: what was set up: `device` (its name) and `threads`.
        :raises UsageError: in one line, if the device or the precision is not to be had here.
        """

    def open(self, model: keras.Model, batch_size: int) -> Session:
        """Make a built model, with its weights in place, ready to run."""
