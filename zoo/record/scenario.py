"""One fully specified thing to measure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.choices import MODES, PRECISIONS
from zoo.errors import UsageError
from zoo.plain import Plain

DEVICE = re.compile(r"cpu|gpu(:(0|[1-9]\d?))?")
OUTCOMES = ("ok", "wrong", "unavailable", "error", "timeout", "signal", "out_of_memory")  # of measuring one


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario(Plain):
    """Model × dataset × runtime × device × precision × batch size × threads × mode.

    Attributes:
        model: its name.
        dataset: its name.
        runtime: its name.
        device: "cpu", "gpu" (the first) or "gpu:N".
        precision: of the arithmetic: "float32", "tf32", "bfloat16", "float16" or "int8".
        batch_size: images in a batch.
        threads: that compute; None leaves the number to the runtime, and `environment.threads` has it.
        mode: "infer".
    """

    model: str
    dataset: str
    runtime: str = "tensorflow"
    device: str = "cpu"
    precision: str = "float32"
    batch_size: int = 1
    threads: int | None = None
    mode: str = "infer"

    def __post_init__(self) -> None:
        check_device(self.device)
        for name, allowed in (("precision", PRECISIONS), ("mode", MODES)):
            value = getattr(self, name)
            if value not in allowed:
                raise UsageError(f"{name} '{value}' is not one of {', '.join(allowed)}")
        for name in ("batch_size", "threads"):
            value = getattr(self, name)
            if not (value is None and name == "threads") and not (type(value) is int and 1 <= value <= 2**20):
                raise UsageError(f"{name} must be a whole number of at least 1, not {value}")

    @property
    def device_kind(self) -> str:
        """`"cpu"` or `"gpu"`."""
        return self.device.partition(":")[0]

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", {self.threads} threads"
        return (
            f"{self.model} on {self.dataset}, {self.runtime}, {self.device}, {self.precision}, "
            f"batch {self.batch_size}{threads}"
        )


def check_device(device: object) -> None:
    """:raises UsageError: if it is not the name of a device."""
    if not (isinstance(device, str) and DEVICE.fullmatch(device)):
        raise UsageError(f"device '{device}' is not one of cpu, gpu, gpu:N")
