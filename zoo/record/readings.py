"""A value that an instrument gave, or the code of why it gave none. No instrument's absence is an exception."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")

# Why there is no value, by code, and what to do about it where something can be done.
CODES: Mapping[str, str] = {
    "no_counter": "this machine shows no energy counter; Linux has the processor's in its powercap tree, and "
    "virtual machines rarely have one",
    "no_permission": "you may not read the energy counter; for a processor's, 'sudo chmod a+r' on the files energy_uj "
    "of the powercap tree lets everybody read it until the next start",
    "no_driver": "NVIDIA's driver is not loaded, or its library libnvidia-ml is not found; install the driver if there "
    "is such a board",
    "no_library": "the package nvidia-ml-py is not installed; 'pip install nvidia-ml-py' installs it",
    "no_board": "NVIDIA's driver finds no such board",
    "not_supported": "the board, its driver or this virtual machine does not tell it",
    "mig": "MIG divides the board, and its counter adds up all the parts",
    "which_board": "it is not clear which board computed; set CUDA_DEVICE_ORDER=PCI_BUS_ID",
    "pid_namespace": "the driver does not list the process that measures, as in a container, and so can't tell "
    "others from it",
    "not_alone": "other processes started meanwhile",
    "not_taken": "the time for sampling was too short for an energy counter",
    "window_too_short": "no turn lasted as long as this counter takes; measure one process alone, without --careful, "
    "--precision, --against or a short --max-time",
    "counter_stuck": "the energy counter did not move",
    "counter_reset": "the energy counter went back",
    "below_idle": "the power was not above that of the idle device",
    "unknown": "the runtime does not tell it",
    "error": "the instrument answered with an error",
}


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """A value, or why there is none.

    Attributes:
        value: None where there is none.
        code: one of `CODES` where there is none.
        detail: what else is known of the reason, for the reader.
    """

    value: T_co | None
    code: str | None = None
    detail: str = ""

    def then(self, convert: Callable[[T_co], U]) -> Reading[U]:
        """The reading with its value converted, or the same reason for having none."""
        return missing(self.code or "error", self.detail) if self.value is None else Reading(convert(self.value))

    def bind(self, find: Callable[[T_co], Reading[U]]) -> Reading[U]:
        """What is found by means of the value, or the same reason for having none."""
        return missing(self.code or "error", self.detail) if self.value is None else find(self.value)

    @property
    def reason(self) -> str:
        """The code and a sentence."""
        return reason(self.code or "error", self.detail)


def reason(code: str, detail: str = "") -> str:
    """A line that begins with the code and says what to do."""
    return f"{code}: {CODES.get(code, CODES['error'])}{f' ({detail})' if detail else ''}"


def missing(code: str, detail: str = "") -> Reading[T]:
    """No value, and why."""
    return Reading(None, code, detail)
