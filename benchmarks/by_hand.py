"""What a careful user of each library would write instead of the zoo: set it up by its documentation, and loop.

    python benchmarks/by_hand.py RUNTIME MODEL BATCH_SIZE [FOLDER]

Prints seconds a batch, the median over two seconds after a warm-up. It imports nothing of the zoo's but the model and
its weights, unless `runtimes.py` has it take turns. ONNX Runtime, OpenVINO and LiteRT run the file in FOLDER, which
`zoo export` wrote.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
ROUND_S = 1e-4  # a round is as many calls as take that long: reading the clock is then 0.1 % of it
SHAPE = (32, 32, 3)

Forward = Callable[[], Any]


def build(model: str, backend: str) -> Any:
    """The Keras model with the weights for digits that come with it."""
    os.environ["KERAS_BACKEND"] = backend
    import zoo

    return zoo.build(model, weights="digits")


def tensorflow(model: str, images: np.ndarray[Any, Any], _: Path, *, xla: bool = False) -> Forward:
    """A graph function; with XLA one whose variables have become constants."""
    network = build(model, "tensorflow")
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = tf.TensorSpec(images.shape, tf.float32)
    forward = tf.function(lambda x: [network(x, training=False)]).get_concrete_function(signature)
    if xla:
        graph = convert_variables_to_constants_v2(forward)
        forward = tf.function(lambda x: graph(x), jit_compile=True).get_concrete_function(signature)
    batch = tf.constant(images)
    return lambda: forward(batch)[0].numpy()


def tensorflow_xla(model: str, images: np.ndarray[Any, Any], folder: Path) -> Forward:
    """The same, compiled by XLA."""
    return tensorflow(model, images, folder, xla=True)


def keras_predict(model: str, images: np.ndarray[Any, Any], _: Path) -> Forward:
    """What most people write."""
    network = build(model, "tensorflow")
    return lambda: network.predict(images, batch_size=len(images), verbose=0)


def keras_call(model: str, images: np.ndarray[Any, Any], _: Path) -> Forward:
    """What the others write."""
    network = build(model, "tensorflow")
    import tensorflow as tf

    batch = tf.constant(images)
    return lambda: network(batch, training=False).numpy()


def keras_function(model: str, images: np.ndarray[Any, Any], _: Path) -> Forward:
    """What the tutorials write."""
    network = build(model, "tensorflow")
    import tensorflow as tf

    function, batch = tf.function(lambda x: network(x, training=False)), tf.constant(images)
    return lambda: function(batch).numpy()


def jax(model: str, images: np.ndarray[Any, Any], _: Path) -> Forward:
    """A jitted function."""
    network = build(model, "jax")
    import jax

    forward, batch = jax.jit(lambda x: network(x, training=False)), jax.device_put(images)
    return lambda: forward(batch).block_until_ready()


def torch(model: str, images: np.ndarray[Any, Any], _: Path, *, compiled: bool = False) -> Forward:
    """toy_resnet as a torch.nn module, channels last."""
    if model != "toy_resnet":
        sys.exit("torch by hand is written for toy_resnet")
    network = build(model, "torch")
    import torch

    function = torch.compile(_toy_resnet(network), options={"freezing": True}) if compiled else _toy_resnet(network)
    forward = torch.inference_mode()(function)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    return lambda: forward(batch)


def torch_compile(model: str, images: np.ndarray[Any, Any], folder: Path) -> Forward:
    """The same, compiled by Inductor."""
    return torch(model, images, folder, compiled=True)


def _toy_resnet(network: Any) -> Any:
    from torch import nn

    def conv(number: int) -> Any:
        layer = network.get_layer(f"conv2d_{number}" if number else "conv2d")
        height, width, before, filters = layer.kernel.shape
        made = nn.Conv2d(before, filters, (height, width), padding=1 if layer.padding == "same" else 0)
        made.weight.data = layer.kernel.value.data.permute(3, 2, 0, 1)
        made.bias.data = layer.bias.value.data
        return nn.Sequential(made, nn.ReLU(inplace=True))

    def dense(name: str) -> Any:
        layer = network.get_layer(name)
        made = nn.Linear(*layer.kernel.shape)
        made.weight.data, made.bias.data = layer.kernel.value.data.T.contiguous(), layer.bias.value.data
        return made

    class Residual(nn.Module):
        def __init__(self, first: int) -> None:
            super().__init__()
            self.inside = nn.Sequential(conv(first), conv(first + 1))

        def forward(self, x: Any) -> Any:
            return self.inside(x) + x

    layers = [conv(0), conv(1), nn.MaxPool2d(3), Residual(2), Residual(4), conv(6), nn.AdaptiveAvgPool2d(1)]
    module = nn.Sequential(*layers, nn.Flatten(), dense("dense"), nn.ReLU(), dense("dense_1")).eval()
    import torch

    return module.to(memory_format=torch.channels_last)


def onnxruntime(_: str, images: np.ndarray[Any, Any], folder: Path) -> Forward:
    """An inference session."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = CORES
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"images": images})


def openvino(_: str, images: np.ndarray[Any, Any], folder: Path) -> Forward:
    """A compiled model with one request."""
    import openvino

    properties = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": CORES}
    compiled = openvino.Core().compile_model(folder / "model.xml", "CPU", properties)
    request = compiled.create_infer_request()
    request.set_input_tensor(openvino.Tensor(images, shared_memory=False))
    return request.infer


def litert(_: str, images: np.ndarray[Any, Any], folder: Path) -> Forward:
    """An interpreter."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / "model.tflite"), num_threads=CORES)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def forward() -> Any:
        interpreter.set_tensor(given, images)
        interpreter.invoke()
        return interpreter.get_tensor(taken)

    return forward


LOOPS: dict[str, Callable[[str, np.ndarray[Any, Any], Path], Forward]] = {
    "keras-predict": keras_predict,
    "keras-call": keras_call,
    "keras-function": keras_function,
    "tensorflow": tensorflow,
    "tensorflow-xla": tensorflow_xla,
    "jax": jax,
    "torch": torch,
    "torch-compile": torch_compile,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "litert": litert,
}


def warm_up(forward: Forward, seconds: float = 1.0) -> int:
    """Call it for a while; returns how many calls a round takes."""
    forward()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        forward()
        calls += 1
    return max(1, round(ROUND_S * calls / (time.perf_counter() - start)))


def sample(forward: Forward, calls: int, seconds: float) -> list[float]:
    """Seconds a batch, round by round."""
    rounds, until = [], time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        for _ in range(calls):
            forward()
        rounds.append((time.perf_counter() - start) / calls)
    return rounds


def prepare(runtime: str, model: str, batch_size: int, folder: str) -> Forward:
    """What is called in the loop."""
    images = np.random.default_rng(0).random((batch_size, *SHAPE), np.float32)
    return LOOPS[runtime](model, images, Path(folder))


def in_turn(job: dict[str, Any], _: object) -> None:
    """The loop in a process that samples when it is told to, as those of `zoo bench --careful` do."""

    from zoo.benchmarking.processes import Parent
    from zoo.benchmarking.timing import Turn

    parent = Parent(Path(job["pipes"]))
    forward = prepare(job["runtime"], job["model"], job["batch_size"], job["folder"])
    parent.warm_up()
    calls = warm_up(forward)
    while (length := parent.next_turn()) is not None:
        forward()  # it finds the caches as the other process has left them
        start = time.perf_counter()
        rounds = sample(forward, calls, length.least_s)
        parent.hand_over(Turn(start, time.perf_counter() - start, tuple(rounds)))


def main(runtime: str, model: str, batch_size: str, folder: str = ".") -> None:
    """Measure one loop and print."""
    forward = prepare(runtime, model, int(batch_size), folder)
    print(statistics.median(sample(forward, warm_up(forward), 2.0)))


if __name__ == "__main__":
    main(*sys.argv[1:])
