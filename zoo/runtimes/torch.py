"""PyTorch: the model as a graph of its operations, run one by one, or compiled by Inductor; channels last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zoo.errors import UsageError
from zoo.keras_backend import is_installed
from zoo.runtimes import Cuda, Session, Started
from zoo.runtimes.common import check_gpu, check_processor, gpu_number
from zoo.runtimes.cuda import of_torch
from zoo.runtimes.torch_graph import prepare_to_interpret, traced

if TYPE_CHECKING:
    import keras
    import numpy as np

COMPILERS = ("g++", "c++", "clang++")


class Torch:
    """The runtime `torch`: the operations that the Keras model comes down to, without Keras between them."""

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        import torch

        number = gpu_number(device, torch.cuda.device_count(), "PyTorch")
        pin(precision)
        if threads is not None:
            torch.set_num_threads(threads)
        self.precision = precision
        if number is None:
            check_processor(precision)
            self.device = torch.device("cpu")
        else:
            self.device = torch.device("cuda", number)
            check_gpu(precision, torch.cuda.get_device_capability(number), torch.cuda.get_device_name(number))
            torch.cuda.set_device(self.device)
            torch.backends.cudnn.benchmark = True  # the fastest algorithm for a shape is looked for once
        os.environ["KERAS_TORCH_DEVICE"] = str(self.device)
        return Started(
            device="cpu" if number is None else torch.cuda.get_device_name(number), threads=torch.get_num_threads()
        )

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        import torch

        gpus = range(torch.cuda.device_count())
        return ["cpu", *(f"gpu:{number} {torch.cuda.get_device_name(number)}" for number in gpus)]

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
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

    def start(self, *, device: str, precision: str, threads: int | None) -> Started:
        """See `zoo.runtimes.Runtime`."""
        _find_compiler()
        started = super().start(device=device, precision=precision, threads=threads)
        if device != "cpu" and not is_installed("triton"):
            raise UsageError("torch.compile needs Triton on a GPU; pip install triton")
        return started

    def devices(self) -> list[str]:
        """See `zoo.runtimes.Runtime`."""
        _find_compiler()
        return super().devices()

    def open(self, model: keras.Model, batch_size: int, calibration: np.ndarray[Any, Any] | None = None) -> Session:
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
        self.device, self._synchronise = device, synchronise(device)

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


def pin(precision: str) -> None:
    """Have PyTorch compute in just that type on a GPU, where it would else choose for itself.

    float32 is to mean float32, not TF32, and sums of bfloat16 and float16 are taken in float32.
    """
    import torch

    tf32 = precision == "tf32"
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False


def synchronise(device: Any) -> Callable[[], None]:
    """What waits for all that was started on a device; on the processor nothing is left to wait for.

    A session starts all its work on the stream that is current when it is opened, so that waiting for that stream does.
    It goes straight to the driver; `torch.cuda.synchronize` changes and restores the device around it in Python.
    """
    import torch

    if device.type != "cuda":
        return lambda: None
    wait: Callable[[], None] = torch.cuda.current_stream(device).synchronize
    return wait


def _find_compiler() -> None:
    """:raises UsageError: if there is no C++ compiler, which Inductor needs."""
    chosen = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ((chosen,) if chosen else COMPILERS)):
        raise UsageError(f"torch.compile needs a C++ compiler ({', '.join(COMPILERS)}, or the one that CXX names)")
