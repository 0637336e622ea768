"""Run under a Keras backend: what the runtimes do on a GPU, with a framework that is made to believe in one.

Prints JSON. What asks for the GPU is replaced by functions of the same signature; the processor computes.
"""

import contextlib
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np

from zoo.benchmarking.reference import Reference
from zoo.benchmarking.verification import Verification
from zoo.benchmarking.worker import Timed
from zoo.errors import UsageError

BATCH = 8


def refused(start: object, precision: str) -> str | None:
    """What `start` says to a precision, or None."""
    try:
        start(device="gpu", precision=precision, threads=None)
    except UsageError as error:
        return str(error)
    return None


def resnet8() -> tuple[object, Reference]:
    """The model with its weights, and what it makes of some images."""
    from keras import ops

    import zoo

    model = zoo.build("resnet8", weights="digits")
    images = np.random.default_rng(0).random((20, *model.input_shape[1:]), np.float32)
    logits = np.asarray(ops.convert_to_numpy(model(images, training=False)))
    return model, Reference(images, logits, "", Path(), None)


def on_jax() -> dict[str, object]:
    """The GPU is the processor by another name."""
    import jax

    from zoo.runtimes import jax as runtimes

    found = {}
    for precision in ("float32", "tf32"):
        runtime = runtimes.Jax()
        with mock.patch.object(runtimes, "_gpus", autospec=True, return_value=jax.devices("cpu")):
            runtime.start(device="gpu", precision=precision, threads=None)
        model, reference = resnet8()
        session = runtime.open(model, BATCH)
        lowered = session.run.lower(np.zeros((BATCH, *model.input_shape[1:]), np.float32)).as_text()
        products = [line for line in lowered.splitlines() if "convolution" in line or "dot_general" in line]
        found[precision] = {
            "products": len(products),
            "high": sum(bool(re.search(r"\bHIGH\b", line)) for line in products),
            "highest": sum(bool(re.search(r"\bHIGHEST\b", line)) for line in products),
            "parity": Verification(session, reference, BATCH, precision).check().to_json(),
        }
    gpus = {"9.0": [9, 0], "7.5": [7, 5], None: []}
    capabilities = [runtimes._capability(SimpleNamespace(compute_capability=text)) for text in gpus]
    return {**found, "capabilities": capabilities == list(gpus.values())}


def on_tensorflow() -> dict[str, object]:
    """TensorFlow is told of a GPU and then computes on the processor."""
    import tensorflow as tf

    from zoo.runtimes.tensorflow import TensorFlow, TensorFlowXLA

    found = {}
    for capability in ((7, 5), (9, 0)):
        with contextlib.ExitStack() as stack:
            for part, name, value in (
                (tf.config, "list_physical_devices", ["gpu"]),
                (tf.config, "set_visible_devices", None),
                (tf.config.experimental, "set_memory_growth", None),
                (
                    tf.config.experimental,
                    "get_device_details",
                    {"device_name": "GPU X", "compute_capability": capability},
                ),
            ):
                stack.enter_context(mock.patch.object(part, name, autospec=True, return_value=value))
            for kind in (TensorFlow, TensorFlowXLA):
                for precision in ("float32", "tf32", "bfloat16"):
                    why = refused(kind().start, precision)
                    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
                    found[f"{kind.__name__} {capability[0]}.{capability[1]} {precision}"] = [why, enabled]
    return found


def on_torch() -> dict[str, object]:
    """PyTorch is told of a GPU; sessions and captures go on the processor."""
    import torch

    from zoo.runtimes import torch as runtimes
    from zoo.runtimes import torch_cuda_graph as graphs

    found = {}
    for capability in ((7, 5), (9, 0)):
        with contextlib.ExitStack() as stack:
            for name, value in (
                ("device_count", 1),
                ("get_device_capability", capability),
                ("get_device_name", "GPU X"),
                ("set_device", None),
            ):
                stack.enter_context(mock.patch.object(torch.cuda, name, autospec=True, return_value=value))
            for kind in (runtimes.Torch, graphs.TorchCudaGraph):
                for precision in ("float32", "tf32", "bfloat16"):
                    why = refused(kind().start, precision)
                    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
                    pinned = [matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark]
                    sums = [
                        matmul.allow_bf16_reduced_precision_reduction,
                        matmul.allow_fp16_reduced_precision_reduction,
                    ]
                    found[f"{kind.__name__} {capability[0]}.{capability[1]} {precision}"] = [why, pinned, sums]
            with mock.patch.object(runtimes, "is_installed", autospec=True, return_value=False):
                found["without Triton"] = refused(runtimes.TorchCompile().start, "float32")
            found["devices"] = graphs.TorchCudaGraph().devices()
    os.environ["KERAS_TORCH_DEVICE"] = "cpu"
    runtimes.pin("float32")
    return {**found, "session": session(torch, graphs), "captured": captured(torch, graphs)}


def session(torch: object, graphs: object) -> dict[str, object]:
    """A session whose graph is a function that is called: what a replay reads and writes, and when."""
    from zoo.runtimes.torch_graph import prepare_to_interpret, traced

    model, reference = resnet8()
    function = traced(model, BATCH, "float32", torch.device("cpu"))
    prepare_to_interpret(function)
    function = torch.inference_mode()(function)
    given = torch.zeros((BATCH, *model.input_shape[1:]))
    output = function(given)
    replay = torch.inference_mode()(lambda: output.copy_(function(given)))
    opened = graphs.GraphSession(given, replay, output, lambda: None)

    starts = (0, 5, 11)
    placed = [opened.place(reference.batch(first, BATCH)[0]) for first in starts]
    outputs = [opened.run(placed[number]) for number in (0, 2, 1, 1, 0)]
    outputs += [opened.run(opened.place(reference.batch(7, BATCH)[0]))]
    fetched = [opened.fetch(one) for one in outputs]
    fetched[0][:] = 0  # an array of the caller's own
    again = [opened.fetch(one) for one in outputs]
    expected = [reference.batch(first, BATCH)[1] for first in (0, 11, 5, 5, 0, 7)]
    kept = all(np.allclose(a, b, atol=1e-4) for a, b in zip(again, expected, strict=True))

    timed = Timed(opened, placed[0])
    timed()
    held: list[bool] = []
    with mock.patch.object(
        graphs.Place, "_save", autospec=True, side_effect=lambda place: held.append(place.holder() is not None)
    ):
        for _ in range(3):
            timed()
    parity = Verification(opened, reference, BATCH, "float32").check().to_json()
    opened.close()
    return {"parity": parity, "kept": kept, "timed_calls_that_found_it_held": held}


def captured(torch: object, graphs: object) -> list[str]:
    """In which order a function is called and captured."""
    done, where = [], ["default"]

    @contextlib.contextmanager
    def inside(place: str) -> object:
        where.append(place)
        yield
        where.pop()

    stream = mock.create_autospec(torch.cuda.Stream, instance=True)
    stream.wait_stream.side_effect = lambda other: done.append("wait_stream")
    graph = mock.create_autospec(torch.cuda.CUDAGraph, instance=True)
    with (
        mock.patch.object(torch.cuda, "Stream", return_value=stream),
        mock.patch.object(torch.cuda, "current_stream", autospec=True, return_value=stream),
        mock.patch.object(torch.cuda, "stream", autospec=True, side_effect=lambda one: inside("aside")),
        mock.patch.object(torch.cuda, "CUDAGraph", return_value=graph),
        mock.patch.object(torch.cuda, "graph", side_effect=lambda one: inside("captured")),
    ):
        replay, output = graphs.captured(lambda given: done.append(f"call {where[-1]}"), "given")
    assert output is None
    replay()
    graph.replay.assert_called_once_with()
    return done


print(json.dumps({"jax": on_jax, "tensorflow": on_tensorflow, "torch": on_torch}[os.environ["KERAS_BACKEND"]]()))
