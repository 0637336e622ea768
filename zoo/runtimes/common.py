"""What several runtimes share: how a device is asked for, and what this processor computes in. No framework."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from zoo.cores import schedulable_cores
from zoo.errors import UsageError

# Flags by which Linux says that a processor computes in a type by itself: x86's names, then Arm's.
FLAGS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16", "fphp"},
}
# The compute capability from which NVIDIA's tensor cores multiply in a type (CUDA C++ Programming Guide).
CAPABILITIES = {"tf32": (8, 0), "bfloat16": (8, 0)}
TF32_ON_CPU = "tf32 is a precision of NVIDIA GPUs; ask for the device gpu, or for float32"


def gpu_number(device: str, count: int, framework: str) -> int | None:
    """Which of the GPUs that a framework sees is meant; None for the processor.

    :param device: "cpu", "gpu" (the first) or "gpu:N".
    :raises UsageError: if there is no such GPU.
    """
    if device == "cpu":
        return None
    number = int(device.partition(":")[2] or 0)
    if count == 0:
        raise UsageError(f"{framework} finds no GPU here; leave --device out, or say --device cpu")
    if number >= count:
        seen = "one GPU, gpu:0" if count == 1 else f"the GPUs gpu:0 to gpu:{count - 1}"
        raise UsageError(f"{framework} finds {seen} here, and no {device}")
    return number


def check_processor(precision: str) -> None:
    """:raises UsageError: if this processor is known not to compute in that type, so that it would be emulated."""
    if precision == "tf32":
        raise UsageError(TF32_ON_CPU)
    flags = _flags()
    if flags and precision in FLAGS and not flags & FLAGS[precision]:
        raise UsageError(f"this processor does not compute in {precision}")


def check_gpu(precision: str, capability: Sequence[int], name: str) -> None:
    """Check that a GPU computes in that type: frameworks take float32 instead, or emulate it, without a word.

    :param capability: NVIDIA's compute capability, such as (9, 0); empty where the framework doesn't know it.
    :param name: of the GPU.
    :raises UsageError: if it is known not to.
    """
    least = CAPABILITIES.get(precision)
    if least is not None and capability and tuple(capability) < least:
        has, needed = (".".join(map(str, version)) for version in (capability, least))
        raise UsageError(f"{precision} takes compute capability {needed}; this GPU, {name}, has {has}")


def check_xla(precision: str, device: str) -> None:
    """:raises UsageError: if XLA would compute in float32 instead, as it does on the processor."""
    if device == "cpu" and precision == "tf32":
        raise UsageError(TF32_ON_CPU)
    if device == "cpu" and precision != "float32":
        raise UsageError(f"XLA computes {precision} in float32 on the processor")


def threads_or_variable(threads: int | None, variable: str) -> int:
    """How many threads a framework takes: as told, else what its variable says, else one for each core.

    :param variable: of the environment. What is no positive number in it doesn't count, as with the frameworks.
    """
    said = os.environ.get(variable, "").strip()
    return threads or (int(said) if said.isdecimal() else 0) or schedulable_cores()


def count_threads(name: str, tasks: Path = Path("/proc/self/task")) -> int | None:
    """How many threads of that name this process has; None where the system doesn't tell (other than Linux)."""
    try:
        names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
    except OSError:  # or one has just ended
        return None
    return names.count(name) or None


def _flags() -> set[str]:
    """What the first core can do; empty where the system doesn't say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    for line in lines:
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return set(value.split())
    return set()
