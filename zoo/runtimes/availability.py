"""Whether runtimes and executors can be used here, as far as specs and installed distributions say. No imports."""

from __future__ import annotations

from zoo.installed import versions
from zoo.runtimes.common import TF32_ON_CPU
from zoo.specs import ExecutorSpec, RuntimeSpec


def missing(spec: RuntimeSpec | ExecutorSpec) -> tuple[str, ...]:
    """The distributions that it needs and that are not installed."""
    installed = versions(spec.requires)
    return tuple(name for name in spec.requires if name not in installed)


def why_not(spec: RuntimeSpec | ExecutorSpec) -> str | None:
    """Why it can't be used, with the command that helps; None if it can."""
    lacking = missing(spec)
    if not lacking:
        return None
    verb = "is" if len(lacking) == 1 else "are"
    helps = f"; {spec.install}" if spec.install else ""
    return f"{' and '.join(lacking)} {verb} not installed{helps}"


def why_not_so(spec: RuntimeSpec, device: str, precision: str) -> str | None:
    """Why a runtime doesn't run on a device in a precision; None if its spec says that it does."""
    if (reason := why_not(spec)) is not None:
        return f"{spec.name}: {reason}"
    if device.partition(":")[0] not in spec.devices:
        return f"{spec.name} runs on {', '.join(spec.devices)}, not on {device}"
    if precision not in spec.precisions:
        return f"{spec.name} computes in {', '.join(spec.precisions)}, not in {precision}"
    if precision == "tf32" and device == "cpu":
        return TF32_ON_CPU
    return None
