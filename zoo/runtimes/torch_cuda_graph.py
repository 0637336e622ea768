"""PyTorch on an NVIDIA GPU: all the operations of the model as one CUDA graph, started by one call.

Started one by one, the kernels of a small model take longer to start than to run. A CUDA graph reads and writes the
same memory each time. A batch is therefore copied right into its input, as a server of small models does it.

What is captured is the graph that the runtime `torch` runs, with the same kernels. That needs no compiler, and the
difference between the two runtimes is what starting kernels costs.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError
from zoo.runtimes import Session, Started
from zoo.runtimes.torch import Torch, synchronise
from zoo.runtimes.torch_graph import prepare_to_interpret, traced

if TYPE_CHECKING:
    import keras
    import numpy as np

WARM_UP = 3  # calls before the capture: cuDNN looks for its algorithms and libraries take their workspaces meanwhile
NO_GPU = "a CUDA graph needs an NVIDIA GPU, and PyTorch finds none here; the runtime torch runs on the CPU too"


class TorchCudaGraph(Torch):
    """The runtime `torch-cuda-graph`."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        if device == "cpu" or not _gpus():
            raise UsageError(NO_GPU)
        return super().start(device=device, precision=precision, threads=threads)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        if not _gpus():
            raise UsageError(NO_GPU)
        return super().devices()[1:]  # without the processor

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
        """See `zoo.runtimes.Runtime`."""
        import torch

        function = traced(model, batch_size, self.precision, self.device)
        prepare_to_interpret(function)
        given = torch.zeros((batch_size, *model.input_shape[1:]), device=self.device)
        replay, output = captured(function, given)
        return GraphSession(given, replay, output, synchronise(self.device))


class GraphSession:
    """What is computed from one tensor into another, both at fixed addresses.

    :param given: the tensor that is computed from: float32, (batch, height, width, channels).
    :param replay: starts the computation.
    :param output: the tensor that it writes: float32, (batch, classes).
    :param synchronise: returns when it is done.
    """

    def __init__(self, given: Any, replay: Callable[[], None], output: Any, synchronise: Callable[[], None]) -> None:
        self.given, self.logits = Place(given), Place(output)
        self.replay, self.synchronise = replay, synchronise

    def place(self, images: np.ndarray[Any, Any]) -> Content:
        """See `zoo.runtimes.Session`. The batch goes right to where it is computed from."""
        import torch

        placed = self.given.new()
        self.given.tensor.copy_(torch.from_numpy(images))
        self.synchronise()
        return placed

    def run(self, placed: Content) -> Content:
        """See `zoo.runtimes.Session`. A batch that had to give way to a later one is copied back first."""
        self.given.bring_back(placed)
        output = self.logits.new()
        self.replay()
        return output

    def wait(self, output: Content) -> None:
        """See `zoo.runtimes.Session`."""
        self.synchronise()

    def fetch(self, output: Content) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        output.saved = self.logits.look(output).to("cpu", copy=True)
        return np.array(output.saved.numpy())

    def close(self) -> None:
        """Forget the graph, and with it its memory."""
        del self.given, self.logits, self.replay


class Content:
    """A handle for what was written to a place.

    Attributes:
        saved: a tensor with it, once it had to give way there or was fetched.
    """

    __slots__ = ("__weakref__", "saved")

    def __init__(self) -> None:
        self.saved: Any = None


class Place:
    """A tensor at a fixed address, and the handle of what is in it now.

    What is overwritten while somebody holds its handle is saved first, so that any number of batches and outputs can be
    alive at once. Nobody holds the output of a timed call when the next one begins, so that timing copies nothing.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor
        self.holder: Callable[[], Content | None] = _nobody

    def new(self) -> Content:
        """A handle for what the caller is about to write."""
        self._save()
        content = Content()
        self.holder = weakref.ref(content)
        return content

    def bring_back(self, content: Content) -> None:
        """Have that in the place."""
        if self.holder() is not content:
            self._save()
            self.tensor.copy_(content.saved)
            self.holder = weakref.ref(content)

    def look(self, content: Content) -> Any:
        """A tensor with that, wherever it is."""
        return self.tensor if self.holder() is content else content.saved

    def _save(self) -> None:
        content = self.holder()
        if content is not None and content.saved is None:
            content.saved = self.tensor.clone()


def captured(function: Callable[[Any], Any], given: Any) -> tuple[Callable[[], None], Any]:
    """A function of a tensor as a CUDA graph on the current device, as PyTorch's documentation has it.

    :param given: what it is to be computed from, always.
    :return: what starts the computation, and the tensor that it writes.
    """
    import torch

    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode():
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                function(given)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = function(given)
    return graph.replay, output


def _gpus() -> int:
    import torch

    return int(torch.cuda.device_count())


def _nobody() -> None:
    """Holds nothing."""
