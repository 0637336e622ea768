"""Does the zoo add anything to a CUDA graph? Its session and a replay written by hand, in turn, in one process.

    python benchmarks/gpu/replay.py [--batch-size N] [--precision TYPE] [--turns N]

The model is resnet20 with its weights for digits. By hand it is a torch.nn module, channels last, its normalisations
folded, captured as PyTorch's documentation has it; the zoo has the runtime torch-cuda-graph. Their logits are compared
first. Each then samples a quarter of a second in turn, in random order. Printed: the median of each side's turns, and
the median ratio of the turns with its 95 % interval, by order statistics. `--rehearse` goes through the same lines on
the CPU, without a graph; its numbers mean nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from by_hand import sample, warm_up
from runtimes import interval

MODEL = "resnet20"
TURN_S, REHEARSED_TURN_S = 0.25, 0.01
Forward = Callable[[], Any]


def by_hand(network: Any, precision: str) -> Any:
    """resnet20 as a torch.nn module of images (batch, height, width, channels), on the processor."""
    import torch
    from torch import nn
    from torch.nn import functional

    kind = torch.float32 if precision in ("float32", "tf32") else getattr(torch, precision)

    class Conv(nn.Module):
        """A convolution with its normalisation folded in; of stride 2 it pads as Keras does, below and to the right."""

        def __init__(self, name: str) -> None:
            super().__init__()
            layer, norm = network.get_layer(name), network.get_layer(f"{name}_bn")
            kernel, *bias = (torch.from_numpy(array) for array in layer.get_weights())
            gamma, beta, mean, variance = (torch.from_numpy(array) for array in norm.get_weights())
            weight, offset = nn.utils.fusion.fuse_conv_bn_weights(
                kernel.permute(3, 2, 0, 1), bias[0] if bias else None, mean, variance, norm.epsilon, gamma, beta
            )
            self.stride = layer.strides[0]
            self.conv = nn.Conv2d(*kernel.shape[2:], 3, self.stride, padding=1 if self.stride == 1 else 0)
            self.conv.weight.data, self.conv.bias.data = weight.data, offset.data

        def forward(self, x: Any) -> Any:
            return self.conv(x if self.stride == 1 else functional.pad(x, (0, 1, 0, 1)))

    class Block(nn.Module):
        """Two convolutions and the shortcut past them; option A of He et al. where the shape changes."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.first, self.second = Conv(f"{name}_conv1"), Conv(f"{name}_conv2")

        def forward(self, x: Any) -> Any:
            y = self.second(functional.relu(self.first(x), inplace=True))
            if self.first.stride == 2:
                new = (y.shape[1] - x.shape[1]) // 2
                x = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, new, new))
            return functional.relu(y + x, inplace=True)

    class ResNet20(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = Conv("stem")
            names = (f"stage{stage}_block{block}" for stage in (1, 2, 3) for block in (1, 2, 3))
            self.blocks = nn.Sequential(*(Block(name) for name in names))
            weight, bias = (torch.from_numpy(array) for array in network.get_layer("logits").get_weights())
            self.logits = nn.Linear(*weight.shape)
            self.logits.weight.data, self.logits.bias.data = weight.T.contiguous(), bias

        def forward(self, images: Any) -> Any:
            x = functional.relu(self.stem(images.permute(0, 3, 1, 2).to(kind)), inplace=True)
            return self.logits(self.blocks(x).mean((2, 3))).float()

    return ResNet20().eval().to(kind).to(memory_format=torch.channels_last)


def replayed(module: Any, images: np.ndarray[Any, Any]) -> tuple[Forward, Any]:
    """The module as a CUDA graph: what replays it and waits, and the tensor that it writes."""
    import torch

    module = module.cuda()
    given = torch.from_numpy(images).cuda()
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.inference_mode():
        with torch.cuda.stream(aside):
            for _ in range(3):
                module(given)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = module(given)
    stream = torch.cuda.current_stream()

    def forward() -> None:
        graph.replay()
        stream.synchronize()

    forward()
    return forward, output


def called(module: Any, images: np.ndarray[Any, Any]) -> tuple[Forward, Any]:
    """For the rehearsal: the same of a module that is called."""
    import torch

    given = torch.from_numpy(images)
    forward = torch.inference_mode()(lambda: module(given))
    return forward, forward()


def session(network: Any, images: np.ndarray[Any, Any], precision: str, rehearsed: bool) -> Any:
    """The zoo's session; for the rehearsal one whose graph is a function that is called."""
    from zoo.runtimes.torch_cuda_graph import GraphSession, TorchCudaGraph

    if not rehearsed:
        runtime = TorchCudaGraph()
        runtime.start(device="gpu", precision=precision, threads=None)
        return runtime.open(network, len(images))
    import torch

    from zoo.runtimes.torch_graph import traced

    function = torch.inference_mode()(traced(network, len(images), precision, torch.device("cpu")))
    given = torch.zeros(images.shape)
    output = function(given)
    replay = torch.inference_mode()(lambda: output.copy_(function(given)))
    return GraphSession(given, replay, output, lambda: None)


def in_turn(sides: list[Forward], turns: int, turn_s: float) -> list[list[float]]:
    """The median seconds a batch of each turn, by side."""
    rounds = [warm_up(side, 4 * turn_s) for side in sides]
    found: list[list[float]] = [[] for _ in sides]
    gc.disable()  # as `zoo bench` does
    for _ in range(turns):
        for number in random.sample(range(len(sides)), len(sides)):
            sides[number]()  # it finds the caches as the other side has left them
            found[number].append(statistics.median(sample(sides[number], rounds[number], turn_s)))
    return found


def main() -> None:
    """Compare, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="gpu", choices=("cpu", "gpu"))
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--precision", default="float32", choices=("float32", "tf32", "bfloat16", "float16"))
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--json", action="store_true", help="print one line for a program")
    asked = parser.parse_args()
    import torch

    if not asked.rehearse and (asked.device == "cpu" or not torch.cuda.is_available()):
        parser.exit(2, "a CUDA graph needs an NVIDIA GPU; --rehearse goes through the same lines on the CPU\n")
    os.environ["KERAS_TORCH_DEVICE"] = "cpu" if asked.rehearse else "cuda:0"
    import zoo
    from zoo.benchmarking.parity import compare
    from zoo.benchmarking.worker import Timed

    images = np.random.default_rng(0).random((asked.batch_size, 32, 32, 3), np.float32)
    network = zoo.build(MODEL, weights="digits")
    opened = session(network, images, asked.precision, asked.rehearse)
    module = by_hand(network, asked.precision)
    hand, output = (called if asked.rehearse else replayed)(module, images)
    placed = opened.place(images)
    parity = compare(opened.fetch(opened.run(placed)), output.cpu().numpy(), asked.precision)
    if not parity.accepted:
        sys.exit(f"the two don't compute the same: {parity.reason}")

    zoo_s, hand_s = in_turn([Timed(opened, placed), hand], asked.turns, REHEARSED_TURN_S if asked.rehearse else TURN_S)
    ratios = sorted(a / b for a, b in zip(zoo_s, hand_s, strict=True))
    low, high = interval(ratios)
    if asked.json:
        found = {
            "model": MODEL,
            "batch_size": asked.batch_size,
            "precision": asked.precision,
            "turns": asked.turns,
            "zoo_s": statistics.median(zoo_s),
            "by_hand_s": statistics.median(hand_s),
            "ratio": statistics.median(ratios),
            "ratio_low": low,
            "ratio_high": high,
        }
        print(json.dumps(found))
        return
    where = "rehearsed on the CPU" if asked.rehearse else torch.cuda.get_device_name(0)
    print(f"{MODEL}, batch {asked.batch_size}, {asked.precision}, {where}, {asked.turns} turns")
    print(f"zoo      {1e6 * statistics.median(zoo_s):9.1f} µs")
    print(f"by hand  {1e6 * statistics.median(hand_s):9.1f} µs")
    print(f"ratio    {statistics.median(ratios):9.3f}     95 % interval {low:.3f}–{high:.3f}")


if __name__ == "__main__":
    main()
