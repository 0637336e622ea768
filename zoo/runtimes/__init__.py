"""What executes a built model. A `RuntimeSpec` names a class that follows the protocol `Runtime`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from zoo.record.worker import Started as Started

if TYPE_CHECKING:
    import keras
    import numpy as np


class Session(Protocol):
    """A model made ready to run at one batch size. What lies between `place` and `wait` is timed."""

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """Put a batch where the device reads it, and return when it is there.

        :param images: float32, (batch, height, width, channels).
        """

    def run(self, placed: Any) -> Any:
        """Start the computation of the logits of a placed batch, which may be placed once and run many times.

        Several placed batches and several outputs may be in use at once: each stands for what it was made of, whatever
        is placed and run later.
        """

    def wait(self, output: Any) -> None:
        """Return when the device has finished computing `output`."""

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """The logits in host memory: float32, (batch, classes), an array of the caller's own."""

    def close(self) -> None:
        """Release what the session holds; it is not used again."""


class Runtime(Protocol):
    """A way of running models. One process uses one runtime, set up once, and may open several sessions."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """Import the framework and set it up; called once, before Keras is imported.

        :param device: `"cpu"`, or `"gpu"`, the first, or `"gpu:N"`.
        :param precision: of the arithmetic, such as "float32". What it means is pinned: a framework that would compute
            in another type by itself (TF32, bfloat16) is told not to, and bfloat16 and float16 are added up in float32.
        :param threads: for the computation; None is the framework's own choice.
        :return: what was set up.
        :raises UsageError: in one line, if the device or the precision is not to be had here.
        """

    def devices(self) -> list[str]:
        """What the framework sees here, a line for each device; called instead of `start`."""

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """Make a built model, with its weights in place, ready to run.

        :param calibration: images to calibrate a quantisation by, as the model takes them: float32, (count, height,
            width, channels); given where the precision is int8.
        """


@runtime_checkable
class CountsMemory(Protocol):
    """A runtime that can tell the device's own peak of memory."""

    def peak_device_bytes(self) -> int | None:
        """Most bytes in use on the device since the start; None where it has no counter."""


@runtime_checkable
class UsesCuda(Protocol):
    """A runtime that computes on NVIDIA GPUs, and can tell by what."""

    def uses_cuda(self) -> Cuda:
        """What it uses. Called only where it has started on a GPU."""


@dataclass(frozen=True, slots=True)
class Cuda:
    """A GPU that a runtime uses, and by which libraries. None is what it can't tell.

    Attributes:
        uuid: the GPU's identity, by which the driver knows it. It is not recorded.
        runtime: the version of CUDA's runtime library, such as "12.8".
        cudnn: the version of cuDNN, such as "9.10.2".
    """

    uuid: str | None
    runtime: str | None
    cudnn: str | None


@runtime_checkable
class Saves(Protocol):
    """A session whose model is a file that the library runs without the zoo."""

    def save(self, folder: Path) -> Saved:
        """Write the very model that the session runs.

        :param folder: exists, and is empty.
        """


@dataclass(frozen=True, slots=True)
class Saved:
    """An exported model.

    Attributes:
        files: what was written, relative to the folder.
        requires: what to install to run it.
        snippet: ten lines of Python at most that run it on `images`, float32 (batch, height, width, channels), to
            `logits`.
    """

    files: tuple[str, ...]
    requires: tuple[str, ...]
    snippet: str
