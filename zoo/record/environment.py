"""The machine and the software that something was measured on, without anything that names its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zoo.record.base import Record, Whole

FRAMEWORKS = ("tensorflow", "jax", "torch", "keras")


@dataclass(frozen=True, kw_only=True, slots=True)
class Processor(Record):
    """The processor and the memory.

    Attributes:
        model: the processor's name.
        architecture: such as `x86_64`.
        usable_cores: logical cores that the process may use, no more than a control group's quota amounts to.
        memory_bytes: of the machine.
        physical_cores: of the machine; None where the system doesn't say.
        logical_cores: likewise.
        caches: sizes of the first core's caches, by level and type, such as `48K`.
        governor: of the first core's frequency; None where the system shows none.
    """

    model: str
    architecture: str
    usable_cores: Whole
    memory_bytes: Whole
    physical_cores: Whole | None = None
    logical_cores: Whole | None = None
    caches: Mapping[str, str] = field(default_factory=dict)
    governor: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerator(Record):
    """An NVIDIA board, as its driver describes it. Nothing identifies the board itself.

    Attributes:
        name: of the board's model.
        memory_bytes: in all.
        driver: its version.
        cuda_driver: the newest CUDA that the driver supports, such as "13.0".
        compute_capability: such as "9.0".
        power_limit_w: the limit that is enforced.
        ecc: whether memory is checked for errors.
        mig: whether MIG divides the board.
        reasons: for each field that the driver does not tell, a code of `CODES`.
    """

    name: str
    memory_bytes: Whole | None = None
    driver: str | None = None
    cuda_driver: str | None = None
    compute_capability: str | None = None
    power_limit_w: float | None = None
    ecc: bool | None = None
    mig: bool | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingSystem(Record):
    """The operating system.

    Attributes:
        system: such as `Linux`.
        release: of its kernel.
    """

    system: str
    release: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Load(Record):
    """Runnable processes over a minute; None where the system doesn't count them.

    Attributes:
        start: before the run began.
        end: when the scenario was done.
    """

    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CudaLibraries(Record):
    """The CUDA libraries that the runtime used on an accelerator.

    Attributes:
        runtime: the version of CUDA's runtime.
        cudnn: the version of cuDNN.
        reasons: for each version that the runtime does not tell, a code of `CODES`.
    """

    runtime: str | None = None
    cudnn: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Environment(Record):
    """The machine and the software that a scenario was measured on.

    `device`, `threads`, `load` and `cuda` belong to the measurement; the fingerprint doesn't cover them.

    Attributes:
        fingerprint: equal where Results of one runtime are comparable.
        processor: and memory.
        accelerators: the boards that the driver shows, in the order of the PCI bus.
        os: the operating system.
        python: implementation and version.
        packages: versions of what computes in the scenario, by name.
        container: the tightest limits of the control groups that the process is in: `cpu.max` (quota and period in µs)
            and `memory.max` (bytes).
        variables: environment variables that are set and change what computes; a value that may be a path is a digest.
        cuda_packages: versions of the packages that bring CUDA's runtime and cuDNN. The fingerprint covers them only
            where there is a board.
        device: "cpu", or the name of the GPU; None before anything was measured.
        threads: that computed, as the runtime reports them; None on an accelerator, or where it doesn't report them.
        load: of the machine.
        cuda: the libraries that the runtime used, on an accelerator; another runtime may use different ones.
    """

    fingerprint: str
    processor: Processor
    accelerators: tuple[Accelerator, ...]
    os: OperatingSystem
    python: str
    packages: Mapping[str, str]
    container: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    cuda_packages: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    threads: Whole | None = None
    load: Load = field(default_factory=Load)
    cuda: CudaLibraries | None = None

    def in_a_line(self) -> str:
        """For the header of a table."""
        cores = self.processor.usable_cores
        return " · ".join(
            [
                self.processor.model,
                f"{cores} core{'s' if cores > 1 else ''}",
                f"{self.processor.memory_bytes / 2**30:.0f} GiB",
                *([board.name for board in self.accelerators] or ["no accelerator"]),
                f"{self.os.system} {self.os.release}",
                self.python.replace("CPython", "Python"),
                *(f"{name} {self.packages[name]}" for name in FRAMEWORKS if name in self.packages),
            ]
        )
