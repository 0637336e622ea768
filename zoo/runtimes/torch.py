"""PyTorch: the model as a graph of its operations, run one by one, or compiled by Inductor; channels last."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError
from zoo.runtimes import Cuda
from zoo.runtimes.common import check_processor, gpu_number, threads_or_cores
from zoo.runtimes.cuda import of_torch
from zoo.runtimes.torch_graph import prepare_to_interpret, traced

if TYPE_CHECKING:
    import keras
    import numpy as np

COMPILERS = ("g++", "c++", "clang++")


class Torch:
    """The runtime `torch`: the operations that the Keras model comes down to, without Keras between them."""

    def start(self, *, device: str, precision: str, threads: int | None) -> dict[str, Any]:
        """See `zoo.runtimes.Runtime`."""
        import torch

        number = gpu_number(device, torch.cuda.device_count(), "PyTorch")
        # float32 is to mean float32: PyTorch would use TF32 for it on GPUs that have it.
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = False
        if threads is not None:
            torch.set_num_threads(threads)
        self.precision = precision
        if number is None:
            check_processor(precision)
            self.device = torch.device("cpu")
        else:
            self.device = torch.device("cuda", number)
            torch.cuda.set_device(self.device)
            torch.backends.cudnn.benchmark = True  # the fastest algorithm for a shape is looked for once
        os.environ["KERAS_TORCH_DEVICE"] = str(self.device)
        return {
            "device": "cpu" if number is None else torch.cuda.get_device_name(number),
            "threads": threads_or_cores(threads),
        }

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        import torch

        gpus = range(torch.cuda.device_count())
        return ["cpu", *(f"gpu:{number} {torch.cuda.get_device_name(number)}" for number in gpus)]

    def open(
        self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None
    ) -> TorchSession:
        """See `zoo.runtimes.Runtime`."""
        graph = traced(model, batch_size, self.precision, self.device)
        prepare_to_interpret(graph)
        return TorchSession(graph, self.device)

    def peak_device_bytes(self) -> int | None:
        """See `zoo.runtimes.CountsMemory`."""
        import torch

        return int(torch.cuda.max_memory_allocated(self.device)) if self.device.type == "cuda" else None

    def uses_cuda(self) -> Cuda:
        """See `zoo.runtimes.UsesCuda`."""
        return of_torch(self.device.index)


class TorchCompile(Torch):
    """The runtime `torch-compile`: the same operations, compiled with the weights as constants."""

    def start(self, *, device: str, precision: str, threads: int | None) -> dict[str, Any]:
        """See `zoo.runtimes.Runtime`."""
        _find_compiler()
        return super().start(device=device, precision=precision, threads=threads)

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        _find_compiler()
        return super().devices()

    def open(
        self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None
    ) -> TorchSession:
        """See `zoo.runtimes.Runtime`."""
        import torch

        graph = traced(model, batch_size, self.precision, self.device)
        return TorchSession(
            torch.compile(graph, fullgraph=True, dynamic=False, options={"freezing": True}), self.device
        )


class TorchSession:
    """A function of tensors, called without recording what a gradient would need."""

    def __init__(self, function: Any, device: Any) -> None:
        import torch

        self.run = torch.inference_mode()(function)
        self.device = device

    def place(self, images: np.ndarray[Any, Any]) -> Any:
        """See `zoo.runtimes.Session`."""
        import torch

        tensor = torch.from_numpy(images).to(self.device, copy=True)
        self._synchronise()
        return tensor

    def wait(self, output: Any) -> None:
        """See `zoo.runtimes.Session`."""
        self._synchronise()

    def fetch(self, output: Any) -> np.ndarray[Any, Any]:
        """See `zoo.runtimes.Session`."""
        import numpy as np

        return np.array(output.cpu().numpy())

    def close(self) -> None:
        """Forget the function."""
        del self.run

    def _synchronise(self) -> None:
        if self.device.type == "cuda":
            import torch

            torch.cuda.synchronize(self.device)


def _find_compiler() -> None:
    """:raises UsageError: if there is no C++ compiler, which Inductor needs."""
    chosen = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ((chosen,) if chosen else COMPILERS)):
        raise UsageError(f"torch.compile needs a C++ compiler ({', '.join(COMPILERS)}, or the one that CXX names)")
